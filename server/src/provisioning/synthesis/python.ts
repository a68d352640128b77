import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Type, type Static } from 'typebox';
import { checkSchema, Closed } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';

const run = promisify(execFile);

/** The Python environment that makes differentially private stand-ins. All paths are absolute. */
const PythonInstallation = Closed({
  /** The program, without symbolic links. */
  executable: Type.String({ pattern: '^/' }),
  /** The folders of the interpreter and of its packages. */
  folders: Type.Array(Type.String({ pattern: '^/' }), { minItems: 1, maxItems: 20 }),
  /** The search path for packages. */
  paths: Type.Array(Type.String({ pattern: '^/' }), { maxItems: 50 }),
  /** The folder of the package `clean_room_synthesis`. */
  package: Type.String({ pattern: '^/' })
});
export type PythonInstallation = Static<typeof PythonInstallation>;

const DESCRIBE = `
import importlib.util, json, os, sys
import opendp, numpy, pyarrow
found = importlib.util.find_spec("clean_room_synthesis")
paths = [os.path.abspath(path) for path in sys.path if path and os.path.isdir(path)]
print(json.dumps({
  "executable": os.path.realpath(sys.executable),
  "folders": sorted({os.path.realpath(sys.base_prefix), os.path.abspath(sys.prefix)}),
  "paths": paths,
  "package": os.path.dirname(os.path.realpath(found.origin)),
}))`;

/** Returns the program that is used: `CLEAN_ROOM_PYTHON`, or `python3`. */
function pythonProgram(env: Readonly<Record<string, string | undefined>>): string {
  return env['CLEAN_ROOM_PYTHON'] || 'python3';
}

/**
 * Finds the Python environment with OpenDP and our package.
 *
 * @throws CleanRoomError `unavailable` with the command that installs it
 */
export async function findPython(
  env: Readonly<Record<string, string | undefined>>
): Promise<PythonInstallation> {
  const program = pythonProgram(env);
  try {
    const { stdout } = await run(program, ['-c', DESCRIBE], { env: { PATH: env['PATH'] } });
    return checkSchema(PythonInstallation, JSON.parse(stdout) as unknown, 'answer of Python');
  } catch (cause) {
    throw new CleanRoomError(
      'unavailable',
      `Differentially private stand-ins need Python with OpenDP, which ${program} does not have. Nothing was read.`,
      {
        remedy:
          'Run: pip install "jupyterlab-clean-room[provision]", and set CLEAN_ROOM_PYTHON to that Python. Or publish a random stand-in.',
        cause
      }
    );
  }
}

/**
 * Returns ρ of zero-concentrated differential privacy for an ε and a δ, as OpenDP converts them, rounded up.
 *
 * @param epsilon - decimal text
 * @param delta - decimal text
 * @throws CleanRoomError `unavailable`, `malformed`
 */
export async function rhoOf(
  env: Readonly<Record<string, string | undefined>>,
  epsilon: string,
  delta: string,
  rowsPerPerson = 1
): Promise<string> {
  await findPython(env);
  const args = ['-m', 'clean_room_synthesis.budget', delta, String(rowsPerPerson), epsilon];
  try {
    const { stdout } = await run(pythonProgram(env), args, { env: { PATH: env['PATH'] } });
    const Answer = Closed({ rho: Type.Array(Type.String({ pattern: '^\\d+\\.\\d+$' }), { minItems: 1 }) });
    return checkSchema(Answer, JSON.parse(stdout) as unknown, 'answer of OpenDP').rho[0] ?? '';
  } catch (cause) {
    throw new CleanRoomError('malformed', `ε = ${epsilon} with δ = ${delta} cannot be converted to ρ.`, {
      remedy: 'Choose an ε between 0.01 and 100.',
      cause
    });
  }
}
