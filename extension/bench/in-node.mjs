/** Verifies in a process of its own, as the command does: what drives the browser slows every promise of its process. */
import { Buffer } from 'node:buffer';
import { text } from 'node:stream/consumers';
import { verifyReceipt } from '@clean-room/protocol/receipts';
import { timed } from './timed.mjs';

const { receipt, ...options } = JSON.parse(await text(process.stdin));
const bytes = new Uint8Array(Buffer.from(receipt, 'base64'));
console.log(JSON.stringify(await timed(verifyReceipt, { ...options, receipt: bytes })));
