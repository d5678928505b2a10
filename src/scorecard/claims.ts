// What each probe claims, written down apart from the guards: the refusals that drills must have shown. A guard that
// loses a rule together with its drill still falls, because the claim is still here.

/** Probe id to the refusal codes that it claims. That something is allowed is claimed of every probe. */
export const CLAIMS: ReadonlyMap<string, readonly string[]> = new Map([
  [
    'bind',
    [
      'bind.wildcard',
      'bind.not-loopback',
      'bind.ambiguous-address',
      'bind.malformed-address',
      'bind.unresolvable',
    ],
  ],
  [
    'remote-command',
    [
      'command.nul',
      'command.lone-surrogate',
      'command.option-like-program',
      'command.assignment-like-program',
      'command.shell-builtin',
      'command.environment-name',
      'command.reserved-variable',
      'command.path-control',
      'command.path-parent',
      'command.path-user',
      'command.path-relative',
      'command.path-colon',
      'command.pid-path-outside',
      'command.endpoint',
      'command.host',
      'command.port',
      'command.port-range',
      'command.too-long',
      'command.parse-back',
    ],
  ],
]);
