import { EXECUTOR_FOLDER } from '../paths.js';

const PYTHON = ['/usr/bin/python3', '-I', '-B', `${EXECUTOR_FOLDER}/__main__.py`];

/** Runs a notebook's cells. */
export const NOTEBOOK_COMMAND: readonly string[] = [...PYTHON, 'notebook'];

/** Decodes one image of at most `maxPixels` pixels. */
export function decodeImageCommand(maxPixels: number): readonly string[] {
  return [...PYTHON, 'decode-image', String(maxPixels)];
}

/** Tries what must be refused; `targets` is JSON that says what there is to try. */
export function probeCommand(targets: string): readonly string[] {
  return [...PYTHON, 'probe', targets];
}

/** The environment of a notebook, on `cores` cores. */
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
