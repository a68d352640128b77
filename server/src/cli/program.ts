import { Command, CommanderError } from 'commander';
import { registerApprove } from './commands/approve.js';
import { registerAttestation } from './commands/attestation.js';
import { registerCancel } from './commands/cancel.js';
import { registerCustodian } from './commands/custodian.js';
import { registerDemo } from './commands/demo.js';
import { registerIdentity } from './commands/identity.js';
import { registerMeasure } from './commands/measure.js';
import { registerProvision } from './commands/provision.js';
import { registerReject } from './commands/reject.js';
import { registerResults } from './commands/results.js';
import { registerRoster } from './commands/roster.js';
import { registerRuns } from './commands/runs.js';
import { registerServe } from './commands/serve.js';
import { registerStandIns } from './commands/stand-ins.js';
import { registerSubmit } from './commands/submit.js';
import { registerVerify } from './commands/verify.js';
import type { Act, Register } from './context.js';
import { Home } from './home/home.js';
import { printResult, printFailure, type CommandResult } from './terminal/answer.js';
import { EXIT, EXIT_MEANINGS } from './terminal/exit-codes.js';
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
  registerProvision,
  registerRoster,
  registerAttestation,
  registerCustodian,
  registerServe,
  registerDemo
];

const CODES = Object.entries(EXIT_MEANINGS).map(([code, meaning]) => `  ${code.padStart(2)}  ${meaning}`);

/**
 * Runs the `clean-room` command.
 * @param args what stands behind the command's name
 * @returns the exit code, one of {@link EXIT}
 */
export async function runCommand(args: readonly string[], terminal: Terminal): Promise<number> {
  const json = args.includes('--json');
  let exitCode: number = EXIT.ok;
  const act: Act =
    work =>
    async (...given) => {
      const answer: CommandResult = await work({ terminal, home: new Home(terminal) }, ...given);
      exitCode = printResult(terminal, answer, json);
    };
  const program = new Command('clean-room')
    .description('Submit notebooks to a data clean room, approve them, and verify what comes back.')
    .addHelpText('after', `\nExit codes:\n${CODES.join('\n')}`)
    .configureOutput({
      writeOut: text => terminal.print(text.trimEnd()),
      writeErr: text => terminal.remark(text.trimEnd())
    })
    .exitOverride()
    .showHelpAfterError('(clean-room --help says more)');
  for (const register of COMMANDS) register(program, act);
  for (const command of leaves(program)) command.option('--json', 'answer as JSON, for programs');
  try {
    await program.parseAsync([...args], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    return printFailure(terminal, error, json);
  }
}

function leaves(command: Command): Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leaves);
}
