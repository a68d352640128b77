import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { verifyReceipt, type ReceiptStepStatus, type ReceiptAppraisal } from '@clean-room/protocol/receipts';
import type { CommandContext, Register } from '../context.js';
import { readTrustRoots } from '../home/trust.js';
import type { CommandResult } from '../terminal/answer.js';
import { EXIT } from '../terminal/exit-codes.js';
import { timestampOption } from './options.js';

const SIGN: Readonly<Record<ReceiptStepStatus, string>> = {
  pass: '✓',
  fail: '✗',
  unknown: '?',
  'not-proved': '–',
  'not-asked': '·',
  'not-reached': '·'
};

/** What a reader must see beside the outcome. */
export function markLines({ marks }: Pick<ReceiptAppraisal, 'marks'>): string[] {
  return [
    ...(marks.simulated ? ['SIMULATED: no TEE stood behind this run.'] : []),
    ...(marks.unattended.length > 0
      ? [`UNATTENDED: approved without a passkey by ${marks.unattended.join(', ')}.`]
      : []),
    ...(marks.coHosted.length > 0
      ? [`CO-HOSTED: the operator’s host holds the keys of ${marks.coHosted.join(', ')}.`]
      : []),
    ...(marks.operatorHosted.length > 0
      ? [`OPERATOR-HOSTED: the operator runs JupyterLab for ${marks.operatorHosted.join(', ')}.`]
      : []),
    ...(marks.developmentKernelImage
      ? ['DEVELOPMENT KERNEL IMAGE: signed by a key made on the machine itself.']
      : [])
  ];
}

export function verdictAnswer(verdict: ReceiptAppraisal): CommandResult {
  const { steps, outcome, summary, marks } = verdict;
  return {
    value: { outcome, summary, marks, steps },
    lines: [
      ...steps.map(step => `${SIGN[step.status]} ${step.title}. ${step.detail}`),
      '',
      ...markLines(verdict),
      summary
    ],
    exitCode: outcome === 'verified' ? EXIT.ok : EXIT.refused
  };
}

export async function readFileOrInput(
  { terminal }: CommandContext,
  named: string,
  what: string
): Promise<Uint8Array> {
  if (named === '-') return terminal.readInput();
  const file = path.resolve(terminal.folder, named);
  try {
    return new Uint8Array(await readFile(file));
  } catch (cause) {
    throw new CleanRoomError('not-found', `The ${what} ${file} can not be read.`, { cause });
  }
}

/** Verifies a receipt with nothing but the receipt and the trust roots. */
export const registerVerify: Register = (program, act) => {
  program
    .command('verify <receipt>')
    .description('verify a receipt, offline ("-" reads standard input)')
    .option('--trust <file>', 'whom to believe; your own trust.json unless named')
    .option('--at <time>', 'judge at this moment, not when the token was issued', timestampOption)
    .action(
      act(async (context, receipt: string, { trust: file, at }: { trust?: string; at?: Date }) => {
        const bytes = await readFileOrInput(context, receipt, 'receipt');
        const trust = await readTrustRoots(context.home, file);
        const verdict = await verifyReceipt(bytes, {
          ...(trust === undefined ? {} : { trust }),
          ...(at === undefined ? {} : { at })
        });
        return verdictAnswer(verdict);
      })
    );
};
