// Tables of servers that are not what was declared, and pages that are not what lies there.
import { chmod, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Route, RoutesRequest } from '../../../guards/routes/routes.ts';
import type { Drill } from '../../proof.ts';

/** `GET /a` and `GET,POST /b` as routes. */
const routesOf = (...lines: readonly string[]): readonly Route[] =>
  lines.map((line) => {
    const [methods = '', path = ''] = line.split(' ');
    return { path, methods: methods.split(',') };
  });

/** A table that was declared as it is, unless the drill says what was declared. */
function drill(
  id: string,
  fault: string,
  expects: string,
  framework: RoutesRequest['framework'],
  table: readonly string[],
  declared: readonly string[] = table,
): Drill<RoutesRequest> {
  const request = { framework, table: routesOf(...table), declared: routesOf(...declared) };
  return { id, fault, expects, build: async () => request };
}

/** Pages `one.py` and `two.py`, both declared, and a source that switches by a registry. */
function pages(
  id: string,
  fault: string,
  expects: string,
  spoil: (root: string) => Promise<unknown> = async () => {},
): Drill<RoutesRequest> {
  return {
    id,
    fault,
    expects,
    build: async (site) => {
      const root = site.directory;
      await mkdir(join(root, 'pages'), { mode: 0o700 });
      for (const name of ['one.py', 'two.py', '__init__.py'])
        await writeFile(join(root, 'pages', name), 'st.write(1)\n', { mode: 0o600 });
      await writeFile(join(root, 'main_page.py'), 'st.switch_page(PAGES["one"])\n', { mode: 0o600 });
      await spoil(root);
      const table = routesOf('GET /', 'GET /one', 'GET /two');
      const files = { root, directory: 'pages', declared: ['one.py', 'two.py'], sources: ['main_page.py'] };
      return { framework: 'streamlit', table, declared: table, pages: files };
    },
  };
}

export const routesDrills: readonly Drill<RoutesRequest>[] = [
  drill('starlette', 'none: Starlette', 'allow', 'starlette', [
    'GET /',
    'GET,POST /items/{id:int}',
    'WEBSOCKET /stream',
    'GET /static/{path:path}',
  ]),
  drill('flask', 'none: Flask, whose order decides nothing', 'allow', 'flask', [
    'GET /<path:rest>',
    'GET /items/<int:id>',
  ]),
  drill('tornado', 'none: Tornado', 'allow', 'tornado', [
    'GET /_stcore/health',
    'GET /media/([^/]+)',
    'GET /(.*)',
  ]),
  drill('express', 'none: Express', 'allow', 'express', ['GET /items/:id', 'POST /items/:id', 'GET /*rest']),

  drill(
    'empty',
    'a table that could not be read, as of nested Express routers',
    'routes.empty-table',
    'express',
    [],
    ['GET /'],
  ),
  drill('traversal', 'a route with a way up', 'routes.traversal', 'starlette', ['GET /static/../etc']),
  drill('traversal-encoded', 'a way up that a proxy decodes', 'routes.traversal', 'starlette', [
    'GET /static/%2e%2e/etc',
  ]),
  drill('traversal-twice-encoded', 'a way up that two proxies decode', 'routes.traversal', 'starlette', [
    'GET /static/%252e%252e/etc',
  ]),
  drill(
    'traversal-compatible',
    'a way up in characters that stand for dots',
    'routes.traversal',
    'starlette',
    ['GET /static/\u2025/etc'],
  ),
  drill('second-slash', 'a route with a second slash', 'routes.traversal', 'flask', ['GET //admin']),
  drill(
    'unreadable',
    'a regular expression that matches more than it shows',
    'routes.unreadable',
    'tornado',
    ['GET /a|/admin/(x)?'],
  ),
  drill(
    'undeclared',
    'a route that nobody declared',
    'routes.undeclared',
    'starlette',
    ['GET /', 'GET /debug'],
    ['GET /'],
  ),
  drill(
    'undeclared-method',
    'a method that nobody declared',
    'routes.undeclared',
    'flask',
    ['GET,DELETE /items'],
    ['GET /items'],
  ),
  drill(
    'undeclared-stream',
    'a WebSocket beside the page',
    'routes.undeclared',
    'starlette',
    ['GET /', 'WEBSOCKET /'],
    ['GET /'],
  ),
  drill(
    'gone',
    'a declared route that the server does not have',
    'routes.missing',
    'starlette',
    ['GET /'],
    ['GET /', 'GET /login'],
  ),
  drill('duplicate', 'one route twice', 'routes.duplicate', 'flask', ['GET /items', 'GET,POST /items']),
  drill(
    'duplicate-renamed',
    'one route twice, with another name for its parameter',
    'routes.duplicate',
    'starlette',
    ['GET /items/{id}', 'GET /items/{name}'],
  ),
  drill('shadowed', 'a route behind one that takes everything', 'routes.shadowed', 'starlette', [
    'GET /{path:path}',
    'GET /login',
  ]),
  drill('shadowed-parameter', 'a route behind a parameter', 'routes.shadowed', 'express', [
    'GET /items/:id',
    'GET /items/new',
  ]),

  drill('shadowed-pattern', 'a route behind a pattern that takes everything', 'routes.shadowed', 'tornado', [
    'GET /(.*)',
    'GET /login',
  ]),

  drill(
    'narrower-first',
    'none: numbers before any text, and a text that is no number',
    'allow',
    'starlette',
    ['GET /items/{id:int}', 'GET /items/new', 'GET /items/{name}'],
  ),
  drill('shadowed-suffix', 'a route behind one that takes all in between', 'routes.shadowed', 'starlette', [
    'GET /files/{path:path}/meta',
    'GET /files/a/meta',
  ]),
  drill(
    'shadowed-method',
    'a route of which one method lies behind another',
    'routes.shadowed',
    'starlette',
    ['GET /{name}', 'GET,POST /login'],
  ),
  drill('shadowed-case', 'a route that Express takes for the one before it', 'routes.duplicate', 'express', [
    'GET /Login',
    'GET /login/',
  ]),
  drill('shadowed-head', 'a method that Express answers by another', 'routes.shadowed', 'express', [
    'GET /items/:id',
    'HEAD /items/new',
  ]),
  drill('shadowed-dot', 'a route behind a bare dot, which is any character', 'routes.shadowed', 'tornado', [
    'GET /a.json',
    'GET /a_json',
  ]),
  drill('dotted', 'none: a dot that is one', 'allow', 'tornado', ['GET /a\\.json', 'GET /a_json']),
  drill('traversal-escaped', 'a way up in an escaped pattern', 'routes.unreadable', 'tornado', [
    'GET /static/\\.\\./etc',
  ]),

  pages('pages', 'none: pages are the files that are there', 'allow'),
  pages('page-undeclared', 'a page that somebody put there', 'routes.page-undeclared', (root) =>
    writeFile(join(root, 'pages', 'admin.py'), '', { mode: 0o600 }),
  ),
  pages('page-missing', 'a page without its file', 'routes.page-missing', (root) =>
    rm(join(root, 'pages', 'two.py')),
  ),
  pages('page-linked', 'a link in place of a page', 'routes.pages-untrusted', async (root) => {
    await rm(join(root, 'pages', 'two.py'));
    await symlink('/etc/passwd', join(root, 'pages', 'two.py'));
  }),
  pages('page-open', 'a page that anyone may write', 'routes.pages-untrusted', (root) =>
    chmod(join(root, 'pages', 'one.py'), 0o666),
  ),
  pages('page-made', 'a page that a source makes of another file', 'routes.page-undeclared', (root) =>
    writeFile(join(root, 'main_page.py'), 'st.navigation([st.Page("tools/admin.py")])\n', { mode: 0o600 }),
  ),
  pages('pages-made', 'none: pages that a source makes, and a link elsewhere', 'allow', (root) =>
    writeFile(
      join(root, 'main_page.py'),
      'st.navigation([st.Page("pages/one.py"), st.Page(run)])\nst.page_link("https://example.org", label="x")\n',
      { mode: 0o600 },
    ),
  ),
  pages('hard-coded-link', 'a source that links to a page by its path', 'routes.hard-coded', (root) =>
    writeFile(join(root, 'main_page.py'), "st.page_link('pages/one.py')\n", { mode: 0o600 }),
  ),
  pages('hard-coded-main', 'a source that goes to the main page by its path', 'routes.hard-coded', (root) =>
    writeFile(join(root, 'main_page.py'), 'st.switch_page("main_page.py")\n', { mode: 0o600 }),
  ),
  pages('hard-coded-by-name', 'a source that names the argument', 'routes.hard-coded', (root) =>
    writeFile(join(root, 'main_page.py'), 'st.switch_page(page=f"./pages/one.py")\n', { mode: 0o600 }),
  ),
  pages('hard-coded-joined', 'a source that joins the path', 'routes.hard-coded', (root) =>
    writeFile(join(root, 'main_page.py'), 'st.switch_page (str(Path("pages") / "one.py"))\n', {
      mode: 0o600,
    }),
  ),
  pages('hard-coded', 'a source that switches to a page by its path', 'routes.hard-coded', (root) =>
    writeFile(join(root, 'main_page.py'), 'st.switch_page(\n    Path("pages/one.py"))\n', { mode: 0o600 }),
  ),
];
