import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { verifyReceipt } from '@clean-room/protocol/receipts';
import { routes } from '@clean-room/api/coordinator';
import { writeFileAtomic } from '@clean-room/node-support';
import type { CommandContext, Register } from '../context.js';
import { connect } from '../coordinator/connect.js';
import { parseJsonFile } from '../home/home.js';
import { requireIdentity } from '../home/identity.js';
import { readTrustRoots } from '../home/trust.js';
import { openResult } from '../results/open.js';
import type { CommandResult } from '../terminal/answer.js';
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
  context: CommandContext,
  id: string,
  options: { to?: string; party?: string }
): Promise<CommandResult> {
  const { client } = await connect(context, options.party);
  const { age } = await requireIdentity(context.home);
  const receipt = await client.downloadBytes(routes.getReceipt, { params: { id } }, LARGEST_RECEIPT);
  const trust = await readTrustRoots(context.home);
  const verdict = await verifyReceipt(receipt, trust === undefined ? {} : { trust });
  if (verdict.outcome === 'failed') {
    throw new CleanRoomError('signature-invalid', 'The receipt does not verify, so nothing was opened.', {
      remedy: 'Run "clean-room verify" on it to see which check failed, and tell the operator.'
    });
  }
  const opened = await openResult(client, receipt, age);
  const notebook = parseJsonFile(opened.notebook, 'The opened notebook');
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
