import path from 'node:path';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { codeSources, datasetsIn, readNotebook } from '@clean-room/protocol/notebooks';
import { providersOf } from '@clean-room/protocol/receipts';
import { routes } from '@clean-room/api/coordinator';
import type { Compute } from '@clean-room/protocol/submissions';
import { readCatalogue, readKernelImages } from '../catalogue/catalogue.js';
import type { CommandContext, Register } from '../context.js';
import { connect, type CoordinatorConnection } from '../coordinator/connect.js';
import { requireIdentity } from '../home/identity.js';
import { requireTrustRoots } from '../home/trust.js';
import { readSubmissionFiles, type SubmissionFiles } from '../submission/files.js';
import { writeLockedNotebook, type LockedNotebook } from '../submission/lock.js';
import { composeForSubmission, type ComposedSubmission } from '../submission/compose.js';
import { planSubmission, type CostEstimate } from '../submission/plan.js';
import { sendSubmission } from '../submission/send.js';
import type { CommandResult } from '../terminal/result.js';
import { followSubmission } from './follow.js';
import { collect, positiveInteger } from './options.js';

interface Options {
  readonly dataset?: string[];
  readonly purpose: string;
  readonly file?: string[];
  readonly parameters: string;
  readonly processors?: number;
  readonly memoryBytes?: number;
  readonly gpu?: boolean;
  readonly kernelImage?: string;
  readonly party?: string;
  readonly revisionOf?: string;
  readonly expectImage?: string;
  readonly dryRun?: boolean;
  readonly writeLock?: boolean;
  readonly wait?: boolean;
}

/** Returns a path of the command line as a path below the notebook's folder. */
function pathBelow(folder: string, from: string, named: string): string {
  const relative = path.relative(folder, path.resolve(from, named));
  if (relative !== '' && !relative.startsWith('..') && !path.isAbsolute(relative))
    return relative.split(path.sep).join('/');
  throw new CleanRoomError('workspace-refused', `${named} is not in the notebook’s folder.`, {
    remedy: 'Move it to that folder or into a folder below it. Only files from there can be submitted.'
  });
}

/** Describes an estimate, such as `at most $0.24 per hour × 1 h = $0.24, on c3-standard-4`. */
function describeEstimate({ machine, dollarsPerHour, hours, dollars }: CostEstimate): string {
  const time = Number(hours.toFixed(2));
  return `at most $${dollarsPerHour.toFixed(2)} per hour × ${time} h = $${dollars.toFixed(2)}, on ${machine}`;
}

/** A submission that was built and checked, but not sent. */
interface PreparedSubmission {
  readonly folder: string;
  readonly files: SubmissionFiles;
  readonly locked: LockedNotebook;
  readonly composed: ComposedSubmission;
  /** Absent when the price of the machine is not known. */
  readonly estimate?: CostEstimate;
}

async function prepare(
  context: CommandContext,
  { client, party }: CoordinatorConnection,
  notebook: string,
  options: Options
): Promise<PreparedSubmission> {
  const { terminal, home } = context;
  const file = path.resolve(terminal.folder, notebook);
  const folder = path.dirname(file);
  const keys = await requireIdentity(home);
  const trust = await requireTrustRoots(home);
  const include = (options.file ?? []).map(name => pathBelow(folder, terminal.folder, name));
  const files = await readSubmissionFiles(folder, path.basename(file), include);
  const compute: Partial<Compute> = {
    ...(options.processors === undefined ? {} : { processors: options.processors }),
    ...(options.memoryBytes === undefined ? {} : { memoryBytes: options.memoryBytes }),
    ...(options.gpu === true ? { accelerator: 'gpu' } : {})
  };
  const { locked, kernelImage, estimate } = await planSubmission(
    {
      collaborations: await readCatalogue(client, trust),
      kernelImages: await readKernelImages(client, trust),
      trust,
      machines: async datasets => {
        const query = datasets.length === 0 ? {} : { assets: datasets.join(',') };
        return (await client.call(routes.listMachines, { query })).items;
      }
    },
    {
      datasets: options.dataset ?? datasetsIn(codeSources(readNotebook(files.stripped))),
      purpose: options.purpose,
      parameters: options.parameters.trim() === '' ? '{}' : options.parameters,
      files: include,
      compute,
      party,
      ...(options.kernelImage === undefined ? {} : { kernelImage: options.kernelImage })
    },
    keys,
    terminal.now()
  );
  const composed = await composeForSubmission(locked, files, kernelImage);
  return { folder, files, locked, composed, ...(estimate === undefined ? {} : { estimate }) };
}

async function submit(context: CommandContext, notebook: string, options: Options): Promise<CommandResult> {
  const connection = await connect(context, options.party);
  const { folder, files, locked, composed, estimate } = await prepare(context, connection, notebook, options);
  const image = composed.image.imageDigest;
  const spec = composed.spec.digest;
  const providers = providersOf(composed.spec.value);
  if (options.expectImage !== undefined && options.expectImage !== image) {
    throw new CleanRoomError(
      'conflict',
      'The notebook or its files have changed since the preview. Nothing was submitted.',
      { remedy: 'Check the submission again, and submit it again.' }
    );
  }
  if (options.dryRun !== true || options.writeLock === true) {
    await writeLockedNotebook(folder, path.basename(notebook), locked);
  }
  const cost = estimate === undefined ? [] : [`cost   ${describeEstimate(estimate)}`];
  const facts = [`image  ${image}`, `spec   ${spec}`, ...cost];
  if (options.dryRun === true) {
    return {
      value: { image, spec, providers, ...(estimate === undefined ? {} : { estimate }) },
      lines: [...facts, 'Nothing was submitted.']
    };
  }
  const { signing } = await requireIdentity(context.home);
  const { id, revision } = await sendSubmission(
    connection.client,
    composed,
    files.files,
    signing,
    options.revisionOf
  );
  const approvals =
    providers.length === 0 ? 'It needs no approval.' : `It needs the approval of ${providers.join(' and ')}.`;
  const lines = [`Submitted as ${id}, revision ${revision}.`, ...facts, approvals];
  if (options.wait !== true) return { value: { id, revision, image, spec, providers }, lines };
  lines.forEach(line => context.terminal.remark(line));
  return followSubmission(context, connection.client, id);
}

/** Adds `submit`, which builds, checks and signs a submission on this machine and sends it. */
export const registerSubmit: Register = (program, act) => {
  program
    .command('submit <notebook>')
    .description('Submit a notebook as it is on disk, without its outputs')
    .option(
      '--dataset <name>',
      'Dataset that the notebook may open (repeatable; default: the datasets that it opens by name)',
      collect
    )
    .requiredOption('--purpose <text>', 'Purpose, one of those of the collaboration')
    .option('--file <path>', 'File to submit together with the notebook (repeatable)', collect)
    .option('--parameters <json>', 'Parameters as a JSON object', '{}')
    .option('--processors <count>', 'Number of processors', positiveInteger)
    .option('--memory-bytes <bytes>', 'Amount of memory', positiveInteger)
    .option('--gpu', 'Run on a GPU')
    .option('--kernel-image <name>', 'Kernel image, by name or digest')
    .option('--party <party>', 'Party that you act for')
    .option(
      '--revision-of <submission>',
      'Submission to which this adds the next revision, after a provider requested changes'
    )
    .option('--expect-image <digest>', 'Expected image digest; nothing is submitted if it is different')
    .option('--dry-run', 'Build and check the submission without sending it')
    .option('--write-lock', 'With --dry-run, write the datasets, policies and keys to clean-room.lock.json')
    .option('--wait', 'Wait until the run has ended')
    .action(act(submit));
};
