import { codeSources, datasetsIn, parseNotebook } from '@clean-room/protocol/notebooks';
import { PathExt } from '@jupyterlab/coreutils';
import type { Contents } from '@jupyterlab/services';
import type { Entry } from '../shared/status.js';
import type { SubmissionDraft, FileChoice, Predecessor } from './draft.js';
import { usesFile } from './sources.js';

/** The most files that are offered; a folder with more is not a notebook's workspace. */
const MOST_FILES = 200;

/** What the `clean-room` command writes beside a notebook; it is about the submission, not part of it. */
const LOCK_FILE = 'clean-room.lock.json';

/** What a notebook on disk opens, and the files beside it. */
export async function draftOf(
  contents: Contents.IManager,
  path: string
): Promise<Omit<SubmissionDraft, 'predecessor'>> {
  const { content } = await contents.get(path, { type: 'notebook', content: true });
  const sources = codeSources(parseNotebook(content));
  // With collaboration switched on a path names its drive; the Jupyter host knows it without.
  const notebook = contents.localPath(path);
  const folder = await contents.get(PathExt.dirname(path), { content: true });
  const beside = (folder.content as Contents.IModel[])
    .filter(
      ({ type, name, path: other }) =>
        type === 'file' && name !== LOCK_FILE && contents.localPath(other) !== notebook
    )
    .slice(0, MOST_FILES);
  const files = beside.map(({ path: other, name, size }): FileChoice => ({
    path: contents.localPath(other),
    name,
    bytes: size ?? 0,
    used: usesFile(sources, name)
  }));
  return { notebook, datasets: datasetsIn(sources), files };
}

/** The newest submission of this party's that has the notebook's name and ended with a wish for changes. */
export function predecessorOf(
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
  return { id, revision: revision.number, words: revision.reason?.message };
}
