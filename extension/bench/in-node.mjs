/** Verifies receipts in its own process, as the command does. In a process that controls a browser, promises are slower. */
import { Buffer } from 'node:buffer';
import { text } from 'node:stream/consumers';
import { nodeEd25519 } from '@clean-room/node-support';
import { useEd25519 } from '@clean-room/protocol/documents';
import { verifyReceipt } from '@clean-room/protocol/receipts';
import { timed } from './timed.mjs';

useEd25519(nodeEd25519);
const { receipt, ...options } = JSON.parse(await text(process.stdin));
const bytes = new Uint8Array(Buffer.from(receipt, 'base64'));
console.log(JSON.stringify(await timed(verifyReceipt, { ...options, receipt: bytes })));
