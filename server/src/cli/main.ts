import { nodeEd25519 } from '@clean-room/node-support';
import { useEd25519 } from '@clean-room/protocol/documents';
import { runCommand } from './program.js';
import { processTerminal } from './terminal/terminal.js';

useEd25519(nodeEd25519);
process.exitCode = await runCommand(process.argv.slice(2), processTerminal());
