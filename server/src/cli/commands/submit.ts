import { InvalidArgumentError, Option } from 'commander';
import path from 'node:path';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { codeSources, datasetsIn, readNotebook } from '@clean-room/protocol/notebooks';
import { providersOf } from '@clean-room/protocol/receipts';
import type { Compute } from '@clean-room/protocol/submissions';
import { readCatalogue, readKernelImages } from '../catalogue/catalogue.js';
import type { CommandContext, Register } from '../context.js';
import { connect, type CoordinatorConnection } from '../coordinator/connect.js';
import { requireIdentity } from '../home/identity.js';
import { requireTrustRoots } from '../home/trust.js';
import { readSubmissionFiles, type SubmissionFiles } from '../submission/files.js';
import { writeLockedNotebook, type LockedNotebook } from '../submission/lock.js';
import { composeForSubmission, type ComposedSubmission } from '../submission/compose.js';
import { planSubmission } from '../submission/plan.js';
import { sendSubmission } from '../submission/send.js';
import type { CommandResult } from '../terminal/answer.js';
import { collect } from './options.js';
import { followSubmission } from './follow.js';

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

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('Give a whole number.');
  return value;
}

/** A path of the command line as a path below the notebook's folder. */
function below(folder: string, from: string, named: string): string {
  const relative = path.relative(folder, path.resolve(from, named));
  if (relative !== '' && !relative.startsWith('..') && !path.isAbsolute(relative))
    return relative.split(path.sep).join('/');
  throw new CleanRoomError('workspace-refused', `${named} does not lie in the notebook’s folder.`, {
    remedy: 'Move it beside the notebook or into a folder there: only what is below that folder can go along.'
  });
}

interface Prepared {
  readonly folder: string;
  readonly files: SubmissionFiles;
  readonly locked: LockedNotebook;
  readonly measured: ComposedSubmission;
}

async function prepare(
  context: CommandContext,
  { client, party }: CoordinatorConnection,
  notebook: string,
  options: Options
): Promise<Prepared> {
  const { terminal, home } = context;
  const file = path.resolve(terminal.folder, notebook);
  const folder = path.dirname(file);
  const keys = await requireIdentity(home);
  const trust = await requireTrustRoots(home);
  const include = (options.file ?? []).map(name => below(folder, terminal.folder, name));
  const files = await readSubmissionFiles(folder, path.basename(file), include);
  const compute: Partial<Compute> = {
    ...(options.processors === undefined ? {} : { processors: options.processors }),
    ...(options.memoryBytes === undefined ? {} : { memoryBytes: options.memoryBytes }),
    ...(options.gpu === true ? { accelerator: 'gpu' } : {})
  };
  const { locked, kernelImage } = planSubmission(
    {
      collaborations: await readCatalogue(client, trust),
      kernelImages: await readKernelImages(client, trust),
      trust
    },
    {
      datasets: options.dataset ?? datasetsIn(codeSources(readNotebook(files.bare))),
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
  return { folder, files, locked, measured: await composeForSubmission(locked, files, kernelImage) };
}

async function submit(context: CommandContext, notebook: string, options: Options): Promise<CommandResult> {
  const connection = await connect(context, options.party);
  const { folder, files, locked, measured } = await prepare(context, connection, notebook, options);
  const image = measured.revision.imageDigest;
  const spec = measured.spec.digest;
  const providers = providersOf(measured.spec.value);
  if (options.expectImage !== undefined && options.expectImage !== image) {
    throw new CleanRoomError(
      'conflict',
      'The notebook or its files have changed since you looked. Nothing was submitted.',
      {
        remedy: 'Look at the submission again, then submit it.'
      }
    );
  }
  if (options.dryRun !== true || options.writeLock === true) {
    await writeLockedNotebook(folder, path.basename(notebook), locked);
  }
  const facts = [`image  ${image}`, `spec   ${spec}`];
  if (options.dryRun === true) {
    return {
      value: { image, spec, providers },
      lines: [...facts, 'Nothing was submitted.']
    };
  }
  const { signing } = await requireIdentity(context.home);
  const { id, revision } = await sendSubmission(
    connection.client,
    measured,
    files.files,
    signing,
    options.revisionOf
  );
  const needs =
    providers.length === 0 ? 'It needs no approval.' : `It needs the approval of ${providers.join(' and ')}.`;
  const lines = [`submitted as ${id}, revision ${revision}`, ...facts, needs];
  if (options.wait !== true) return { value: { id, revision, image, spec, providers }, lines };
  lines.forEach(line => context.terminal.remark(line));
  return followSubmission(context, connection.client, id);
}

/** Submits a notebook: all of it is worked out, checked and signed on this machine. */
export const registerSubmit: Register = (program, act) => {
  program
    .command('submit <notebook>')
    .description('submit a notebook, as it is on disk now, without its outputs')
    .option(
      '--dataset <name>',
      'a dataset it may open (repeatable); those it opens by name unless given',
      collect
    )
    .requiredOption('--purpose <text>', 'what for; one of the collaboration’s purposes')
    .option('--file <path>', 'a file that goes along (repeatable)', collect)
    .option('--parameters <json>', 'parameters, as a JSON object', '{}')
    .option('--processors <count>', 'processors to run on', wholeNumber)
    .option('--memory-bytes <bytes>', 'memory to run in', wholeNumber)
    .option('--gpu', 'run on a GPU')
    .option('--kernel-image <name>', 'the kernel image to run on, by name or digest')
    .option('--party <party>', 'the party you act for')
    .option('--revision-of <submission>', 'the next revision of a submission that changes were asked for')
    .addOption(new Option('--expect-image <digest>', 'submit only if it is this program'))
    .option('--dry-run', 'work everything out, submit nothing')
    .option('--write-lock', 'with --dry-run: pin datasets, policies and keys in clean-room.lock.json')
    .option('--wait', 'wait for the run and say how it ended')
    .action(act(submit));
};
