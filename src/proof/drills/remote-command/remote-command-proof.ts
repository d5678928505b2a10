// The remote-command guard, its drills, and the encoders that people really write.
import type { Encoder } from '../../../ssh/fragments/word.ts';
import { observeWith, remoteCommand } from '../../../ssh/remote-command.ts';
import { defineHouseProof, type Proof } from '../../proof.ts';
import { remoteCommandDrills } from './remote-command-drills.ts';

const encoders: Readonly<Record<string, Encoder>> = {
  'encoder.identity': (text) => text,
  'encoder.bare-single-quotes': (text) => `'${text}'`,
  'encoder.double-quotes': (text) => `"${text}"`,
  'encoder.json': (text) => JSON.stringify(text),
  'encoder.backslash': (text) => text.replaceAll(/[^\w/.-]/g, '\\$&'),
};

export const remoteCommandProof: Proof = defineHouseProof({
  guard: remoteCommand,
  drills: remoteCommandDrills,
  brokenLooks: Object.entries(encoders).map(([id, encode]) => ({ id, observe: observeWith(encode) })),
});
