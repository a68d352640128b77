import { nodeEd25519 } from '@clean-room/node-support';
import { useEd25519 } from '@clean-room/protocol/documents';
import { runCommand } from './program.js';
import { processTerminal } from './terminal/terminal.js';

/** Time for open connections to end after the command has. */
const LINGER_MS = 500;

useEd25519(nodeEd25519);
process.exitCode = await runCommand(process.argv.slice(2), processTerminal());
// A connection that a library still tries to open, such as to a service that does not answer, must not keep the process alive.
setTimeout(() => process.exit(), LINGER_MS).unref();
