import path from 'node:path';
import { verifyReceipt, type ReceiptAppraisal, type ReceiptStepStatus } from '@clean-room/protocol/receipts';
import type { Register } from '../context.js';
import { readFileOrInput } from '../files.js';
import { readRevocations } from '../home/revocations.js';
import { readTrustRoots } from '../home/trust.js';
import { EXIT } from '../terminal/exit-codes.js';
import type { CommandResult } from '../terminal/result.js';
import { timestampOption } from './options.js';

const SYMBOLS: Readonly<Record<ReceiptStepStatus, string>> = {
  pass: '✓',
  fail: '✗',
  unknown: '?',
  'not-proved': '–',
  'not-asked': '·',
  'not-reached': '·'
};

/** Returns the warnings that must be shown together with the outcome. */
export function markLines({ marks }: Pick<ReceiptAppraisal, 'marks'>): string[] {
  return [
    ...(marks.simulated ? ['SIMULATED: this run did not take place in a TEE.'] : []),
    ...(marks.otherRoot === undefined
      ? []
      : [`OTHER ROOT: ${marks.otherRoot} vouches for the machine, not Google.`]),
    ...(marks.unattended.length > 0
      ? [`UNATTENDED: approved without a passkey by ${marks.unattended.join(', ')}.`]
      : []),
    ...(marks.coHosted.length > 0
      ? [`CO-HOSTED: the keys of ${marks.coHosted.join(', ')} are on the operator’s host.`]
      : []),
    ...(marks.operatorHosted.length > 0
      ? [`OPERATOR-HOSTED: the operator runs JupyterLab for ${marks.operatorHosted.join(', ')}.`]
      : []),
    ...(marks.developmentKernelImage
      ? ['DEVELOPMENT KERNEL IMAGE: signed by a key that was created on the same machine.']
      : [])
  ];
}

function toResult(appraisal: ReceiptAppraisal): CommandResult {
  const { steps, outcome, summary, marks } = appraisal;
  return {
    value: { outcome, summary, marks, steps },
    lines: [
      ...steps.map(step => `${SYMBOLS[step.status]} ${step.title}. ${step.detail}`),
      '',
      ...markLines(appraisal),
      summary
    ],
    exitCode: outcome === 'verified' ? EXIT.ok : EXIT.refused
  };
}

interface VerifyOptions {
  readonly trust?: string;
  readonly at?: Date;
  readonly revocations?: string;
}

/** Adds `verify`, which verifies a receipt with only the receipt and trust roots. */
export const registerVerify: Register = (program, act) => {
  program
    .command('verify <receipt>')
    .description('Verify a receipt offline ("-" reads standard input)')
    .option('--trust <file>', 'File with trust roots (default: your own trust.json)')
    .option(
      '--at <time>',
      'Time at which the receipt is verified (default: when its token was issued)',
      timestampOption
    )
    .option(
      '--revocations <file>',
      'List of revoked kernel images; it is remembered if a release key that you trust has signed it'
    )
    .action(
      act(async (context, receipt: string, { trust: file, at, revocations: list }: VerifyOptions) => {
        const bytes = await readFileOrInput(context.terminal, receipt);
        const trust = await readTrustRoots(context.home, file);
        const named = list === undefined ? undefined : path.resolve(context.terminal.folder, list);
        const appraisal = await verifyReceipt(bytes, {
          revocations: await readRevocations(context.home, trust, named),
          ...(trust === undefined ? {} : { trust }),
          ...(at === undefined ? {} : { at })
        });
        return toResult(appraisal);
      })
    );
};
