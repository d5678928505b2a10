// Guards the routes of a web application: what its server really has is what was declared, each route once and none behind
// another, and its pages are the files that are there.
import * as z from 'zod';
import { distrust } from '../../files/rules.ts';
import { observeTree } from '../../files/tree.ts';
import { type FileFacts, observeFile } from '../../files/walk.ts';
import { defineHouseGuard } from '../../kernel/define.ts';
import type { Guard, Rule } from '../../kernel/guard.ts';
import { covers, FRAMEWORKS, type Framework, isWide, readRoute, type Segment } from './route-pattern.ts';

export interface Route {
  /** In the framework's own spelling: `/items/{id}`, `/items/<int:id>`. */
  readonly path: string;
  /** `GET`; `WEBSOCKET` for one. */
  readonly methods: readonly string[];
}

export interface RoutesRequest {
  readonly framework: Framework;
  readonly declared: readonly Route[];
  /**
   * The table of the running server, in its order: `app.routes`, `url_map.iter_rules()`, `wildcard_router.rules`,
   * `app.router.stack`. A mount is the routes below it, or `/static/{path:path}` for files.
   */
  readonly table: readonly Route[];
  /** Where pages are files. */
  readonly pages?:
    | {
        /** Absolute path of a trusted directory. */
        readonly root: string;
        /** The directory of the pages below it. */
        readonly directory: string;
        /** File names that were declared. */
        readonly declared: readonly string[];
        /** Sources below the root that switch between pages, link to them or make them (`st.Page`). */
        readonly sources: readonly string[];
      }
    | undefined;
}

interface Parsed extends Route {
  /** Methods that it answers: Express answers HEAD where it answers GET. */
  readonly answers: readonly string[];
  readonly parts: readonly Segment[] | undefined;
}

/** What a source says of pages in so many words. */
interface SourceTargets {
  /** It goes, or links, to a page by its path. */
  readonly hardCoded: boolean;
  /** It makes a page of a file that is not among the declared ones. */
  readonly foreign: boolean;
}

export interface RoutesFacts {
  readonly framework: Framework;
  readonly declared: readonly Parsed[];
  readonly table: readonly Parsed[];
  readonly pages?: {
    readonly declared: readonly string[];
    readonly place: FileFacts;
    readonly files: readonly { readonly name: string; readonly facts: FileFacts }[];
    readonly complete: boolean;
    readonly sources: readonly (SourceTargets & { readonly facts: FileFacts })[];
  };
}

/** Routes that are what was declared. */
export interface VerifiedRoutes {
  readonly routes: readonly Route[];
  readonly pages: readonly string[];
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'WEBSOCKET'] as const;
const MAX_ROUTES = 2_000;
const route = z.strictObject({
  path: z.string().min(1).max(1_024),
  methods: z.array(z.enum(METHODS)).min(1).max(METHODS.length),
});
const name = z.string().min(1).max(1_024);
const routesRequest: z.ZodType<RoutesRequest> = z.strictObject({
  framework: z.enum(FRAMEWORKS),
  declared: z.array(route).max(MAX_ROUTES),
  table: z.array(route).max(MAX_ROUTES),
  pages: z
    .strictObject({
      root: name,
      directory: name,
      declared: z.array(z.string().regex(/^[^/\0]{1,255}$/)).max(MAX_ROUTES),
      sources: z.array(name).max(256),
    })
    .optional(),
});

const BOUNDS = { maxEntries: 4_096, maxDepth: 1, maxFileBytes: 1_048_576, maxTotalBytes: 64 * 1_048_576 };
// st.switch_page("pages/x.py"), page_link(Path("pages/x.py")): a page that is moved is lost.
const TARGET =
  /\b(switch_page|page_link|Page)\s*\(\s*(?:page\s*=\s*)?(?:[\w.]+\s*\(\s*)*[rfuRFU]{0,2}(?:"""|'''|["'])([^"'\n]*)/g;

function targetsOf(source: string, declared: readonly string[]): SourceTargets {
  const found = [...source.matchAll(TARGET)].map(([, call, path = '']) => ({
    makes: call === 'Page',
    path: path.replace(/^\.\//, ''),
  }));
  return {
    hardCoded: found.some(
      ({ makes, path }) => !makes && (/^pages(?:\/|$)/i.test(path) || path.endsWith('.py')),
    ),
    foreign: found.some(({ makes, path }) => makes && path.endsWith('.py') && !declared.includes(path)),
  };
}

async function lookAtPages(
  { root, directory, declared, sources }: NonNullable<RoutesRequest['pages']>,
  signal: AbortSignal,
) {
  const tree = await observeTree(root, directory.split('/'), { ...BOUNDS, signal });
  // As a source may write them: relative to the main script, which is above the pages.
  const below = directory.split('/').map((_part, at, all) => all.slice(at).join('/'));
  const known = declared.flatMap((file) => below.map((place) => `${place}/${file}`));
  const looked: (SourceTargets & { facts: FileFacts })[] = [];
  for (const source of sources) {
    const { bytes, ...facts } = await observeFile(root, source, { maxBytes: BOUNDS.maxFileBytes, signal });
    looked.push({ facts, ...targetsOf(bytes?.toString('utf8') ?? '', known) });
  }
  const files = tree.entries
    // What Python and Streamlit make of their own; a page is a file that is no module's beginning.
    .filter(({ path }) => path.endsWith('.py') && !path.includes('/') && path !== '__init__.py')
    .map(({ path, facts }) => ({ name: path, facts }));
  return { declared, place: tree.place, files, complete: tree.complete, sources: looked };
}

async function observe(
  { framework, declared, table, pages }: RoutesRequest,
  signal: AbortSignal,
): Promise<RoutesFacts> {
  const parse = (given: Route): Parsed => {
    const { path, methods } = given;
    const answers = framework === 'express' && methods.includes('GET') ? [...methods, 'HEAD'] : methods;
    return { path, methods, answers, parts: readRoute(path, framework) };
  };
  const facts = { framework, declared: declared.map(parse), table: table.map(parse) };
  return pages ? { ...facts, pages: await lookAtPages(pages, signal) } : facts;
}

/** Dots that a client or a proxy folds away, a second slash, a backslash, what does not show, and what becomes one of these. */
const TRAVERSAL = /(?:^|\/)\.{1,2}(?:\/|$)|\/\/|\\(?![wd.])|%(?:2[ef5]|5c|00)|[\p{Cc}\p{Cf}\s]/iu;
const key = ({ path, methods }: Route): readonly string[] => methods.map((method) => `${method} ${path}`);
// Werkzeug and Streamlit choose by weight and by name: order decides nothing.
export const ORDERED: ReadonlySet<string> = new Set<Framework>(['starlette', 'tornado', 'express']);

/** Index of the first route that one before it makes unreachable, by one method at least. */
function shadowed(table: readonly Parsed[]): number {
  const wide: Parsed[] = [];
  return table.findIndex((route) => {
    const { parts, methods } = route;
    const isBehind = wide.some(
      (before) =>
        parts !== undefined &&
        before.parts !== undefined &&
        methods.some((method) => before.answers.includes(method)) &&
        covers(before.parts, parts),
    );
    if (isWide(parts)) wide.push(route);
    return isBehind;
  });
}

/** Index of the first route that matches what one before it matches, by one method at least. */
function repeated(table: readonly Parsed[]): number {
  const seen = new Set<string>();
  return table.findIndex(({ parts, methods, answers }) => {
    const as = JSON.stringify(parts);
    const again = methods.some((method) => seen.has(`${method} ${as}`));
    for (const method of answers) seen.add(`${method} ${as}`);
    return again;
  });
}

const rules: readonly Rule<RoutesFacts>[] = [
  {
    code: 'routes.empty-table',
    remedy: 'Read the table of the server after it has started, nested routers included.',
    refuses: ({ table }) => table.length === 0 && 'the table of the server is empty: it was not read',
  },
  {
    code: 'routes.traversal',
    remedy: 'Write routes without dots, second slashes, backslashes and escapes of these.',
    refuses: ({ table, declared }) =>
      [...table, ...declared].some(({ path }) => TRAVERSAL.test(path.normalize('NFKC'))) &&
      'a route could lead out of its place',
  },
  {
    code: 'routes.unreadable',
    remedy:
      'Write the route as the framework documents it: one parameter for each part, and one at most that takes the rest.',
    refuses: ({ table }) =>
      table.some(({ parts }) => parts === undefined || parts.some(({ kind }) => kind === 'mixed')) &&
      'a route of the server is not in a form that can be compared',
  },
  {
    code: 'routes.undeclared',
    remedy: 'Declare the route, or take it out of the application.',
    refuses: ({ table, declared }) => {
      const known = new Set(declared.flatMap(key));
      const at = table.findIndex((each) => key(each).some((one) => !known.has(one)));
      return at >= 0 && `route ${at + 1} of the server was not declared`;
    },
  },
  {
    code: 'routes.missing',
    remedy: 'See why the server does not have the route, or declare it no more.',
    refuses: ({ table, declared }) => {
      const there = new Set(table.flatMap(key));
      const at = declared.findIndex((each) => key(each).some((one) => !there.has(one)));
      return at >= 0 && table.length > 0 && `declared route ${at + 1} is not in the table of the server`;
    },
  },
  {
    code: 'routes.duplicate',
    remedy: 'Keep one of the two: which of them answers is an accident.',
    refuses: ({ table }) => {
      const at = repeated(table);
      return at >= 0 && `route ${at + 1} of the server matches what one before it matches`;
    },
  },
  {
    code: 'routes.shadowed',
    remedy: 'Put the narrower route first.',
    refuses: ({ framework, table }) => {
      const at = ORDERED.has(framework) ? shadowed(table) : -1;
      return at >= 0 && `route ${at + 1} of the server lies behind one before it, which takes its place`;
    },
  },
  {
    code: 'routes.pages-untrusted',
    remedy: 'Keep pages and sources as plain files that this user and root alone may write.',
    refuses: ({ pages }) => {
      if (!pages) return false;
      const looks = [
        pages.place,
        ...pages.files.map(({ facts }) => facts),
        ...pages.sources.map(({ facts }) => facts),
      ];
      const why = looks.map(distrust).find((found) => found !== false) ?? false;
      if (why !== false) return `a page or source is not to be believed: ${why}`;
      return !pages.complete && 'there is more in the directory of the pages than is looked at';
    },
  },
  {
    code: 'routes.page-undeclared',
    remedy: 'Declare the page, or remove its file: whatever lies there is served.',
    refuses: ({ pages }) => {
      if (pages?.files.some(({ name: file }) => !pages.declared.includes(file)))
        return 'a file among the pages was not declared';
      const at = pages?.sources.findIndex(({ foreign }) => foreign) ?? -1;
      return at >= 0 && `source ${at + 1} makes a page of a file that was not declared`;
    },
  },
  {
    code: 'routes.page-missing',
    remedy: 'Bring the file back, or declare the page no more.',
    refuses: ({ pages }) => {
      const there = new Set(pages?.files.map(({ name: file }) => file));
      const at = pages?.declared.findIndex((file) => !there.has(file)) ?? -1;
      return at >= 0 && `declared page ${at + 1} has no file`;
    },
  },
  {
    code: 'routes.hard-coded',
    remedy: 'Take the page from the registry of pages: a path in the source outlives the file.',
    refuses: ({ pages }) => {
      const at = pages?.sources.findIndex(({ hardCoded }) => hardCoded) ?? -1;
      return at >= 0 && `source ${at + 1} goes to a page by its path`;
    },
  },
];

function grant({ table, pages }: RoutesFacts): VerifiedRoutes {
  const routes = table.map(({ path, methods }) =>
    Object.freeze({ path, methods: Object.freeze([...methods]) }),
  );
  return Object.freeze({
    routes: Object.freeze(routes),
    pages: Object.freeze(pages?.files.map(({ name: file }) => file) ?? []),
  });
}

/** Grants {@link VerifiedRoutes}. */
export const routes: Guard<RoutesRequest, VerifiedRoutes> = defineHouseGuard({
  id: 'routes',
  dimension: 'architecture_runtime_guardrails',
  request: routesRequest,
  observe,
  rules,
  grant,
  method: ({ pages }) => pages?.place.method ?? 'none',
});
