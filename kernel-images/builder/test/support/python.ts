import { runProgram } from '../../src/programs/run.js';

/** Returns the version of Python on which pip runs here. pip chooses wheels only for this version. */
export async function pythonHere(): Promise<string> {
  return (await runProgram('python3', ['-c', 'import sys; print("%d.%d" % sys.version_info[:2])'])).trim();
}
