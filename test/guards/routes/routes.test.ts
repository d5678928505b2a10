// Route patterns against regular expressions, and the guard on tables that real frameworks print.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { covers, FRAMEWORKS, readRoute } from '../../../src/guards/routes/route-pattern.ts';
import { type RoutesRequest, routes } from '../../../src/guards/routes/routes.ts';
import { judge } from '../../../src/kernel/enforce.ts';

// As Starlette compiles its paths.
const matcher = (path: string): RegExp =>
  new RegExp(
    `^${path
      .replaceAll('.', '\\.')
      .replaceAll('{path:path}', '.*')
      .replaceAll('{id}', '[^/]+')
      .replaceAll('{id:int}', '[0-9]+')
      .replaceAll('{id:float}', '[0-9]+(\\.[0-9]+)?')}$`,
  );

describe('covers', () => {
  const part = fc.constantFrom('a', 'b', 'a.b', '1', '{id}', '{id:int}', '{id:float}', '');
  const parts = fc.array(part, { maxLength: 2 });
  const pattern = fc
    .tuple(parts, fc.boolean(), parts)
    .map(([before, rest, after]) => `/${[...before, ...(rest ? ['{path:path}'] : []), ...after].join('/')}`);
  const concrete = fc
    .array(fc.constantFrom('a', 'b', 'a.b', 'c', '1', '1.5', ''), { minLength: 1, maxLength: 4 })
    .map((names) => `/${names.join('/')}`);

  it('says so only where the regular expressions agree', () => {
    fc.assert(
      fc.property(pattern, pattern, fc.array(concrete, { maxLength: 40 }), (earlier, later, paths) => {
        const [a, b] = [readRoute(earlier, 'starlette'), readRoute(later, 'starlette')];
        if (!a || !b) throw new Error('not read');
        fc.pre(covers(a, b));
        for (const path of paths) if (matcher(later).test(path)) expect(path).toMatch(matcher(earlier));
      }),
    );
  });
});

/** The system's own, which has Debian's packages; another may stand first in PATH. */
const DEBIAN_PYTHON = existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3';

const python = (code: string): RoutesRequest['table'] | undefined => {
  try {
    return JSON.parse(
      execFileSync(DEBIAN_PYTHON, ['-c', code], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
    ) as RoutesRequest['table'];
  } catch {
    if (requiresReal) throw new Error('install python3-flask and python3-tornado');
    return undefined;
  }
};
const FLASK = `
import flask, json
app = flask.Flask("x")
app.add_url_rule("/items/<int:id>", "item", lambda id: "", methods=["GET", "POST"])
app.add_url_rule("/", "top", lambda: "")
print(json.dumps([{"path": r.rule, "methods": sorted(r.methods)} for r in app.url_map.iter_rules()]))`;
const TORNADO = `
import json, tornado.web
class H(tornado.web.RequestHandler): pass
app = tornado.web.Application([("/_stcore/health", H), ("/media/([^/]+)", H), ("/(.*)", H)])
print(json.dumps([{"path": r.matcher.regex.pattern, "methods": ["GET"]} for r in app.wildcard_router.rules]))`;

import { requiresReal } from '../../left-out.ts';

describe('tables of real frameworks', () => {
  it('of Tornado, where a bare dot is any character', async ({ skip }) => {
    const found = python(`
import json, tornado.web, tornado.httputil
class A(tornado.web.RequestHandler): pass
class B(tornado.web.RequestHandler): pass
def first(path):
    app = tornado.web.Application([(path, A), ("/a_json", B)])
    asked = tornado.httputil.HTTPServerRequest(method="GET", uri="/a_json", connection=type("C", (), {"context": None})())
    return app.find_handler(asked).handler_class is A
print(json.dumps([{"path": p, "taken": first(p)} for p in ["/a.json", "/a\\\\.json"]]))`) as unknown as
      | readonly { readonly path: string; readonly taken: boolean }[]
      | undefined;
    if (!found) return skip('no tornado here');
    expect(found.map(({ taken }) => taken)).toEqual([true, false]);
    for (const { path, taken } of found) {
      const table = [path, '/a_json'].map((each) => ({ path: each, methods: ['GET'] }));
      const { codes } = await judge(routes, { framework: 'tornado', table, declared: table });
      expect(codes).toEqual(taken ? ['routes.shadowed'] : []);
    }
  });

  it.for([
    ['flask', FLASK],
    ['tornado', TORNADO],
  ] as const)('%s', async ([framework, code], { skip }) => {
    const table = python(code);
    if (!table) return skip(`no ${framework} here`);
    expect(await judge(routes, { framework, table, declared: table })).toMatchObject({ codes: [] });
    const { codes } = await judge(routes, { framework, table, declared: table.slice(1) });
    expect(codes).toEqual(['routes.undeclared']);
  });
});

it('judges as many long routes as may be asked', { timeout: 60_000 }, async () => {
  const path = (at: number): string => `/{id}/${'a/'.repeat(29)}${at}`;
  const table = Array.from({ length: 2_000 }, (_, at) => ({ path: path(at), methods: ['GET'] }));
  const { codes } = await judge(routes, { framework: 'starlette', table, declared: table });
  expect(codes).toEqual([]);
  const longer = [{ path: path(1).repeat(2), methods: ['GET'] }];
  expect((await judge(routes, { framework: 'starlette', table: longer, declared: longer })).codes).toEqual([
    'routes.unreadable',
  ]);
});

it('judges whatever is asked by a code', async () => {
  const path = fc.oneof(fc.string(), fc.stringMatching(/^(?:\/[a-z{}<>:*().]{0,4}){1,4}$/));
  const route = fc.record({ path, methods: fc.subarray(['GET', 'POST', 'WEBSOCKET']) });
  const request = fc.record({
    framework: fc.constantFrom(...FRAMEWORKS),
    table: fc.array(route),
    declared: fc.array(route),
  });
  await fc.assert(
    fc.asyncProperty(fc.oneof(request, fc.anything()), async (asked) => {
      const { decision, codes } = await judge(routes, asked as RoutesRequest);
      if (decision !== 'allow') expect(codes[0]).toMatch(/^(?:routes|guard)\.[a-z-]+$/);
      expect(codes).not.toContain('guard.rule-failed');
    }),
    { numRuns: 300 },
  );
});
