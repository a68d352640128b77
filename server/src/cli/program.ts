import { Command, CommanderError, type OutputConfiguration } from 'commander';
import { registerApprove, registerReject } from './commands/approve.js';
import { registerAttestation } from './commands/attestation.js';
import { registerConsole } from './commands/console.js';
import { registerCustodian } from './commands/custodian.js';
import { registerDatasets, registerWithdraw } from './commands/datasets.js';
import { registerDemo } from './commands/demo.js';
import { registerIdentity } from './commands/identity.js';
import { registerKernelImage } from './commands/kernel-image.js';
import { registerMeasure } from './commands/measure.js';
import { registerInspect } from './commands/inspect.js';
import { registerProvision } from './commands/provision.js';
import { registerResults } from './commands/results.js';
import { registerRoster } from './commands/roster.js';
import { registerCancel, registerRuns } from './commands/runs.js';
import { registerServe } from './commands/serve.js';
import { registerStandIns } from './commands/stand-ins.js';
import { registerSubmit } from './commands/submit.js';
import { registerVerify } from './commands/verify.js';
import type { Act, Register } from './context.js';
import { Home } from './home/home.js';
import { EXIT, EXIT_MEANINGS } from './terminal/exit-codes.js';
import { printFailure, printResult } from './terminal/result.js';
import type { Terminal } from './terminal/terminal.js';

const COMMANDS: readonly Register[] = [
  registerIdentity,
  registerSubmit,
  registerRuns,
  registerResults,
  registerCancel,
  registerVerify,
  registerMeasure,
  registerStandIns,
  registerApprove,
  registerReject,
  registerInspect,
  registerProvision,
  registerDatasets,
  registerWithdraw,
  registerRoster,
  registerAttestation,
  registerCustodian,
  registerKernelImage,
  registerConsole,
  registerServe,
  registerDemo
];

/** Returns the commands that do something, without the groups that contain them. */
function leafCommands(command: Command): Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leafCommands);
}

/** The parts of the program that depend on where it runs. */
interface ProgramOptions {
  /** Wraps the work of each command. By default, commands do nothing. */
  readonly act?: Act;
  /** The functions that print help and errors. By default, they write to the process's own streams. */
  readonly output?: OutputConfiguration;
}

/**
 * Defines the `clean-room` program with all its commands and options. The definition has no side effects, so that
 * documentation can be generated from it.
 */
export function createProgram({
  act = () => async () => undefined,
  output = {}
}: ProgramOptions = {}): Command {
  const codes = Object.entries(EXIT_MEANINGS).map(([code, meaning]) => `  ${code.padStart(2)}  ${meaning}`);
  const program = new Command('clean-room')
    .description('Submit notebooks to a data clean room, approve them, and verify the results.')
    .addHelpText('after', `\nExit codes:\n${codes.join('\n')}`)
    .helpOption('-h, --help', 'Show help')
    .addHelpCommand('help [command]', 'Show help for a command')
    .configureOutput(output)
    .exitOverride()
    .showHelpAfterError('(Run "clean-room --help" for more information.)');
  for (const register of COMMANDS) register(program, act);
  for (const command of leafCommands(program)) command.option('--json', 'Output as JSON, for programs');
  return program;
}

/**
 * Runs the `clean-room` command.
 *
 * @param args - the arguments after the command's name
 * @returns the exit code, one of {@link EXIT}
 */
export async function runCommand(args: readonly string[], terminal: Terminal): Promise<number> {
  const json = args.includes('--json');
  let exitCode: number = EXIT.ok;
  const program = createProgram({
    act:
      work =>
      async (...given) => {
        const result = await work({ terminal, home: new Home(terminal) }, ...given);
        exitCode = printResult(terminal, result, json);
      },
    output: {
      writeOut: text => terminal.print(text.trimEnd()),
      writeErr: text => terminal.remark(text.trimEnd())
    }
  });
  try {
    await program.parseAsync([...args], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    return printFailure(terminal, error, json);
  }
}
