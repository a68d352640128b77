import { runProgram } from '../../src/programs/run.js';

/** The version of the Python that pip runs on here: the only one that it chooses wheels for. */
export async function pythonHere(): Promise<string> {
  return (await runProgram('python3', ['-c', 'import sys; print("%d.%d" % sys.version_info[:2])'])).trim();
}
