/** Folder of the executor, seen from inside the jail. */
export const EXECUTOR_FOLDER = '/usr/lib/clean-room/executor';

const PYTHON = ['/usr/bin/python3', '-I', '-B', `${EXECUTOR_FOLDER}/__main__.py`];

/** The command that runs the cells of a notebook. */
export const NOTEBOOK_COMMAND: readonly string[] = [...PYTHON, 'notebook'];

/** Returns the command that decodes images of at most `maxPixels` pixels. */
export function decodeImageCommand(maxPixels: number): readonly string[] {
  return [...PYTHON, 'decode-image', String(maxPixels)];
}

/**
 * Returns the command that tries everything that the sandbox must refuse.
 *
 * @param targets - JSON that names the profile, the user id and the addresses to try
 */
export function probeCommand(targets: string): readonly string[] {
  return [...PYTHON, 'probe', targets];
}

/** Returns the environment variables of a notebook that may use `cores` processor cores. */
export function notebookEnvironment(cores: number): Readonly<Record<string, string>> {
  return {
    PATH: '/usr/bin:/bin',
    HOME: '/nb',
    USER: 'nb',
    LANG: 'C.UTF-8',
    TMPDIR: '/tmp',
    MPLBACKEND: 'module://matplotlib_inline.backend_inline',
    MPLCONFIGDIR: '/tmp/mpl',
    IPYTHONDIR: '/tmp/ipython',
    JOBLIB_TEMP_FOLDER: '/tmp',
    LOKY_MAX_CPU_COUNT: String(cores),
    OMP_NUM_THREADS: String(cores),
    OPENBLAS_NUM_THREADS: String(cores),
    PLOTLY_RENDERER: 'plotly_mimetype',
    TERM: 'xterm-color'
  };
}
