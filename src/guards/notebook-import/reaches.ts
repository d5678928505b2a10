// What the Python of a notebook can reach the world by: a list of what is refused, so it proves only what it names. Every name is
// compared after NFKC, as CPython does (PEP 3131), and modules under the names that the notebook imports them by.

/** Why something is blocking. */
export type ReachKind = 'shell' | 'dynamic-code' | 'deserialisation' | 'network' | 'escaping-path';

/**
 * `eval`: that name. `os.system`: that name of that module. `subprocess.*`: the module and all in it. `*.system`: that
 * name of anything. `allow_pickle=`: that argument.
 */
const REACHES: Readonly<Record<ReachKind, string>> = {
  shell: `
    subprocess.* pty.* commands.* popen2.* pexpect.* sh.* plumbum.* invoke.* fabric.* paramiko.* asyncssh.* ctypes.* cffi.*
    posix.* nt.* _posixsubprocess.* _ctypes.* _winapi.* distutils.* numpy.ctypeslib.* numpy.f2py.* numpy.distutils.* cython.*
    pyximport.* cppyy.* rpy2.* jpype.* torch.utils.cpp_extension.*
    os.startfile os.fork os.forkpty os.posix_spawn os.posix_spawnp os.kill os.killpg
    *.system *.popen *.popen2 *.execl *.execle *.execlp *.execlpe *.execv *.execve *.execvp *.execvpe
    *.spawnl *.spawnle *.spawnlp *.spawnlpe *.spawnv *.spawnve *.spawnvp *.spawnvpe
    *.create_subprocess_exec *.create_subprocess_shell *.subprocess_exec *.subprocess_shell
    *.getoutput *.system_raw *.system_piped *.check_output
    *.run_line_magic *.run_cell_magic *.run_cell *.run_cell_async *.magic *.load_extension *.enable_load_extension`,
  'dynamic-code': `
    eval exec compile execfile __import__ __builtins__ __loader__ __spec__ globals locals vars breakpoint getattr
    builtins.* importlib.* imp.* runpy.* code.* codeop.* zipimport.* pkgutil.* cProfile.run cProfile.runctx profile.run timeit.*
    sys.modules sys.path sys.meta_path sys.path_hooks sys.settrace sys.setprofile sys._getframe inspect.currentframe
    pip.* ensurepip.* pdb.* bdb.* trace.* doctest.*
    logging.config.* _xxsubinterpreters.* _interpreters.* concurrent.interpreters.* IPython.embed IPython.start_ipython
    gc.get_objects gc.get_referrers gc.get_referents torch.hub.* trust_remote_code=
    types.FunctionType types.CodeType types.LambdaType operator.attrgetter operator.methodcaller pandas.eval numexpr.* sympy.sympify sympy.parse_expr sympy.parsing.*
    *.__builtins__ *.__globals__ *.__subclasses__ *.__bases__ *.__mro__ *.__base__ *.__dict__ *.__getattribute__ *.__code__
    *.__closure__ *.__import__ *.__loader__ *.__spec__ *.__reduce__ *.__reduce_ex__ *.__class_getitem__ *.f_globals *.f_locals
    *.f_builtins *.__self__ *.gi_frame *.cr_frame *.ag_frame *.tb_frame *.f_back *.f_code *.ex *.ev *.safe_execfile *.user_ns *.user_global_ns`,
  deserialisation: `
    pickle.* cPickle.* _pickle.* pickletools.* dill.* cloudpickle.* marshal.* shelve.* jsonpickle.* joblib.load
    yaml.load yaml.load_all yaml.unsafe_load yaml.unsafe_load_all yaml.full_load yaml.full_load_all
    sklearn.externals.joblib.* joblib.numpy_pickle.* torch.load keras.models.load_model tensorflow.keras.models.load_model
    torch.package.* ruamel.yaml.* statsmodels.api.load pandas.compat.pickle_compat.*
    *.read_pickle *.load_pickle *.read_hdf *.load_model *.unsafe_load allow_pickle=`,
  network: `
    socket.* socketserver.* ssl.* _socket.* _ssl.* multiprocessing.connection.* multiprocessing.managers.*
    http.client.* http.server.* urllib.request.* urllib2.* urllib3.* requests.* httpx.* httplib.*
    httplib2.* aiohttp.* websocket.* websockets.* ftplib.* smtplib.* poplib.* imaplib.* nntplib.* telnetlib.* xmlrpc.*
    pycurl.* boto3.* botocore.* s3fs.* gcsfs.* fsspec.* smbclient.* ldap3.* zmq.* grpc.* redis.* pymongo.* psycopg.* psycopg2.* huggingface_hub.*
    dask.distributed.* distributed.* webbrowser.*
    asyncio.open_connection asyncio.start_server asyncio.open_unix_connection asyncio.start_unix_server
    *.urlopen *.urlretrieve *.create_connection *.open_connection`,
  'escaping-path': `
    os.chdir os.fchdir os.chroot os.pardir os.path.pardir os.path.expanduser os.path.expandvars os.symlink os.link os.mount
    pathlib.Path.home *.expanduser *.expandvars *.chdir *.symlink_to *.hardlink_to *.pardir`,
};

/** Names, and what they reach. */
export interface Reaches {
  /** As they are called in full: `eval`, `os.system`. */
  readonly names: ReadonlyMap<string, ReachKind>;
  readonly modules: ReadonlyMap<string, ReachKind>;
  readonly attributes: ReadonlyMap<string, ReachKind>;
  readonly keywords: ReadonlyMap<string, ReachKind>;
  /** The last part of every entry: words to look for. */
  readonly words: ReadonlySet<string>;
}

/** Every entry of the list, each with its kind. */
export const REACH_ENTRIES: readonly (readonly [entry: string, kind: ReachKind])[] = (
  Object.entries(REACHES) as [ReachKind, string][]
).flatMap(([kind, entries]) =>
  entries
    .trim()
    .split(/\s+/)
    .map((entry) => [entry, kind] as const),
);

const lastOf = (entry: string): string => entry.replace(/\.\*$|=$/, '').replace(/^.*\./, '');

/** The list in the forms that it is asked in. */
export const reaches: Reaches = {
  names: new Map(REACH_ENTRIES.filter(([entry]) => !/[*=]/.test(entry))),
  modules: new Map(
    REACH_ENTRIES.flatMap(([entry, kind]) => (entry.endsWith('.*') ? [[entry.slice(0, -2), kind]] : [])),
  ),
  attributes: new Map(
    REACH_ENTRIES.flatMap(([entry, kind]) => (entry.startsWith('*.') ? [[entry.slice(2), kind]] : [])),
  ),
  keywords: new Map(
    REACH_ENTRIES.flatMap(([entry, kind]) => (entry.endsWith('=') ? [[entry.slice(0, -1), kind]] : [])),
  ),
  words: new Set(REACH_ENTRIES.map(([entry]) => lastOf(entry))),
};

/** The module of the list that a dotted name lies in, itself included. */
export function moduleOf(name: string): string | undefined {
  for (let end = name.length; end > 0; end = name.lastIndexOf('.', end - 1))
    if (reaches.modules.has(name.slice(0, end))) return name.slice(0, end);
  return undefined;
}

const LOCATOR = /^\s*([A-Za-z][A-Za-z0-9+.-]{0,30}):\/\//;
const PATH = /^(?:~(?:[\w.-]*\/|$)|\/[\w.@-]{2,}(?:\/|$)|[A-Za-z]:[\\/]|\\\\)|(?:^|[\\/])\.\.(?:[\\/]|$)/;
/** A printable character of ASCII that is written as a number. */
const OBSCURED =
  /\\(?:x[2-7][0-9a-fA-F]|u00[2-7][0-9a-fA-F]|U000000[2-7][0-9a-fA-F]|0[4-7][0-7]|1[0-7][0-7]|[4-7][0-7](?![0-7]))/;
/** Quotes, and what may be worth a look behind them. */
export const LOOK_AT_STRING =
  /(["'])(?=\s*[A-Za-z][\w+.-]*:[\\/]|~|(?:allow_pickle|trust_remote_code)["']|\/\w|\\\\|\.\.)|[\\/]\.\.(?=[\\/"'])|\\[xuU0-7]/g;

/** What a literal reaches, by its prefix and the text between its quotes. */
export function literalReach(
  prefix: string,
  text: string,
): { readonly kind: ReachKind; readonly what: string } | undefined {
  const [, scheme] = LOCATOR.exec(text) ?? [];
  if (scheme?.toLowerCase() === 'file') return { kind: 'escaping-path', what: 'a file: locator' };
  if (scheme !== undefined) return { kind: 'network', what: 'a locator on a network' };
  const argument = reaches.keywords.get(text);
  if (argument) return { kind: argument, what: `${text}=` };
  if (PATH.test(text)) return { kind: 'escaping-path', what: 'a path out of the directory' };
  if (!/[br]/i.test(prefix) && OBSCURED.test(text))
    return { kind: 'dynamic-code', what: 'a text that hides its letters' };
  return undefined;
}
