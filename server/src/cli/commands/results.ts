import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { writeFileAtomic } from '@clean-room/node-support';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { verifyReceipt } from '@clean-room/protocol/receipts';
import { routes } from '@clean-room/api/coordinator';
import type { CommandContext, Register } from '../context.js';
import { connect } from '../coordinator/connect.js';
import { parseJsonFile } from '../files.js';
import { requireIdentity } from '../home/identity.js';
import { readRevocations } from '../home/revocations.js';
import { readTrustRoots } from '../home/trust.js';
import { openResult } from '../results/open.js';
import type { CommandResult } from '../terminal/result.js';
import { markLines } from './verify.js';

const MAX_RECEIPT_BYTES = 64 * 1024 * 1024;

/** Saves an opened notebook and its receipt, and returns their paths. */
async function save(
  folder: string,
  notebook: string,
  opened: Uint8Array,
  receipt: Uint8Array
): Promise<{ file: string; receipt: string }> {
  await mkdir(folder, { recursive: true });
  const stem = path.posix.basename(notebook, '.ipynb');
  const paths = {
    file: path.join(folder, `${stem}.result.ipynb`),
    receipt: path.join(folder, `${stem}.receipt.json`)
  };
  await writeFileAtomic(paths.file, opened, 0o600);
  await writeFileAtomic(paths.receipt, receipt, 0o600);
  return paths;
}

async function results(
  context: CommandContext,
  id: string,
  options: { to?: string; party?: string }
): Promise<CommandResult> {
  const { client } = await connect(context, options.party);
  const { age } = await requireIdentity(context.home);
  const receipt = await client.downloadBytes(routes.getReceipt, { params: { id } }, MAX_RECEIPT_BYTES);
  const trust = await readTrustRoots(context.home);
  const appraisal = await verifyReceipt(receipt, {
    revocations: await readRevocations(context.home, trust),
    ...(trust === undefined ? {} : { trust })
  });
  if (appraisal.outcome === 'failed') {
    throw new CleanRoomError(
      'signature-invalid',
      'The receipt could not be verified, so nothing was opened.',
      {
        remedy: 'Run "clean-room verify" with the receipt to see which check failed, and inform the operator.'
      }
    );
  }
  const opened = await openResult(client, receipt, age);
  const notebook = parseJsonFile(opened.notebook, 'The opened notebook');
  const { outcome, summary, marks } = appraisal;
  if (options.to === undefined) {
    return {
      value: { notebook, outcome, summary, marks },
      lines: [
        `${opened.path}: ${opened.notebook.length} bytes. Use "--to FOLDER" to save it.`,
        ...markLines(appraisal),
        summary
      ]
    };
  }
  const paths = await save(
    path.resolve(context.terminal.folder, options.to),
    opened.path,
    opened.notebook,
    receipt
  );
  return {
    value: { notebook, ...paths, outcome, summary, marks },
    lines: [`result   ${paths.file}`, `receipt  ${paths.receipt}`, ...markLines(appraisal), summary]
  };
}

/** Adds `results`, which verifies a run's receipt and then opens its outputs. */
export const registerResults: Register = (program, act) => {
  program
    .command('results <run>')
    .description('Verify the receipt of a run, and open its outputs with your key')
    .option('--to <folder>', 'Folder in which the notebook and the receipt are saved')
    .option('--party <party>', 'Party that you act for')
    .action(act(results));
};
