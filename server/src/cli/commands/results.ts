import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { verifyReceipt } from '@clean-room/protocol/receipts';
import { getReceipt } from '../../client/coordinator/index.js';
import { writeFileAtomic } from '../../platform/files/index.js';
import type { Context, Register } from '../context.js';
import { connect } from '../coordinator/index.js';
import { parseJson, readTrustRoots, requireIdentity } from '../home/index.js';
import { openResult } from '../results/index.js';
import type { Answer } from '../terminal/index.js';
import { markLines } from './verify.js';

const LARGEST_RECEIPT = 64 * 1024 * 1024;

async function keep(
  folder: string,
  notebook: string,
  opened: Uint8Array,
  receipt: Uint8Array
): Promise<{ file: string; receipt: string }> {
  await mkdir(folder, { recursive: true });
  const stem = path.posix.basename(notebook, '.ipynb');
  const places = {
    file: path.join(folder, `${stem}.result.ipynb`),
    receipt: path.join(folder, `${stem}.receipt.json`)
  };
  await writeFileAtomic(places.file, opened, 0o600);
  await writeFileAtomic(places.receipt, receipt, 0o600);
  return places;
}

async function results(
  context: Context,
  id: string,
  options: { to?: string; party?: string }
): Promise<Answer> {
  const { client } = await connect(context, options.party);
  const { age } = await requireIdentity(context.home);
  const receipt = await client.downloadBytes(getReceipt, { params: { id } }, LARGEST_RECEIPT);
  const trust = await readTrustRoots(context.home);
  const verdict = await verifyReceipt(receipt, trust === undefined ? {} : { trust });
  if (verdict.outcome === 'failed') {
    throw new CleanRoomError('signature-invalid', 'The receipt does not verify, so nothing was opened.', {
      remedy: 'Run "clean-room verify" on it to see which check failed, and tell the operator.'
    });
  }
  const opened = await openResult(client, receipt, age);
  const notebook = parseJson(opened.notebook, 'The opened notebook');
  const { outcome, summary, marks } = verdict;
  if (options.to === undefined) {
    return {
      value: { notebook, outcome, summary, marks },
      lines: [
        `${opened.path}: ${opened.notebook.length} bytes. Add "--to DIR" to keep it.`,
        ...markLines(verdict),
        summary
      ]
    };
  }
  const places = await keep(
    path.resolve(context.terminal.folder, options.to),
    opened.path,
    opened.notebook,
    receipt
  );
  return {
    value: { notebook, ...places, outcome, summary, marks },
    lines: [`result   ${places.file}`, `receipt  ${places.receipt}`, ...markLines(verdict), summary]
  };
}

/** Opens what came back, after verifying where it came from. */
export const registerResults: Register = (program, act) => {
  program
    .command('results <run>')
    .description('verify a run’s receipt and open its outputs with your key')
    .option('--to <folder>', 'keep notebook and receipt there')
    .option('--party <party>', 'the party you act for')
    .action(act(results));
};
