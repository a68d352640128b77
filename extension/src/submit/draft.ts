import { codeSources, datasetsIn, parseNotebook } from '@clean-room/protocol/notebooks';
import { PathExt } from '@jupyterlab/coreutils';
import type { Contents } from '@jupyterlab/services';
import type { Entry } from '../shared/status.js';

/** A file in the notebook's folder that can be submitted with it. */
export interface FileChoice {
  readonly path: string;
  readonly name: string;
  readonly bytes: number;
  /** Whether the notebook seems to use it. */
  readonly used: boolean;
}

/** A submission of this notebook for which a provider requested changes. */
export interface Predecessor {
  readonly id: string;
  /** The number of the revision for which changes were requested. */
  readonly revision: number;
  /** The providers that requested changes. */
  readonly requestedBy: readonly string[];
  readonly reason?: string;
}

/** The facts that the submit dialog starts from. */
export interface SubmissionDraft {
  readonly notebook: string;
  /** Present when the notebook can be submitted as the next revision of an earlier submission. */
  readonly predecessor?: Predecessor;
  /** The datasets that the notebook opens. */
  readonly datasets: readonly string[];
  readonly files: readonly FileChoice[];
}

/** The maximum number of files that are offered. A folder with more files is not the workspace of one notebook. */
const MAX_FILES = 200;

/** A file that the `clean-room` command writes next to a notebook. It describes the submission and is not part of it. */
const LOCK_FILE = 'clean-room.lock.json';

/**
 * Reads which datasets a notebook opens, and the files in its folder.
 *
 * @param path - the notebook's path as JupyterLab knows it
 * @throws CleanRoomError `malformed` when the file is not a notebook of nbformat 4
 */
export async function readDraft(
  contents: Contents.IManager,
  path: string
): Promise<Omit<SubmissionDraft, 'predecessor'>> {
  const file = await contents.get(path, { type: 'notebook', content: true });
  const sources = codeSources(parseNotebook(file.content));
  // With real-time collaboration a path begins with the name of a drive, which the Jupyter server does not know.
  const notebook = contents.localPath(path);
  const folder = await contents.get(PathExt.dirname(path), { content: true });
  const files = (folder.content as Contents.IModel[])
    .filter(
      ({ type, name, path: other }) =>
        type === 'file' && name !== LOCK_FILE && contents.localPath(other) !== notebook
    )
    .slice(0, MAX_FILES)
    .map(({ path: other, name, size }): FileChoice => ({
      path: contents.localPath(other),
      name,
      bytes: size ?? 0,
      used: usesFile(sources, name)
    }));
  return { notebook, datasets: datasetsIn(sources), files };
}

/**
 * Returns whether code seems to use a file: imports it as a module, or contains its name as a string. This only decides
 * which files are selected at first.
 *
 * @param sources - the sources of code cells
 */
export function usesFile(sources: readonly string[], name: string): boolean {
  const quoted = [`"${name}"`, `'${name}'`];
  const module = /^([A-Za-z_]\w*)\.py$/.exec(name)?.[1];
  const imported = module === undefined ? undefined : new RegExp(`^\\s*(from|import)\\s+${module}\\b`, 'm');
  return sources.some(
    source => quoted.some(text => source.includes(text)) || imported?.test(source) === true
  );
}

/** Returns the newest submission of the party that has the notebook's name and for which changes were requested. */
export function findPredecessor(
  entries: readonly Entry[],
  notebook: string,
  party: string
): Predecessor | undefined {
  const found = entries.find(
    ({ submission }) =>
      submission.party === party &&
      submission.revision.state === 'changes-requested' &&
      submission.revision.notebook === PathExt.basename(notebook)
  );
  if (found === undefined) return undefined;
  const { id, revision } = found.submission;
  return {
    id,
    revision: revision.number,
    requestedBy: revision.decisions
      .filter(({ state }) => state === 'changes-requested')
      .map(({ provider }) => provider),
    reason: revision.reason?.message
  };
}
