import type { Comment } from '@clean-room/api/coordinator';
import { newId } from '../../platform/ids.js';
import type { PersonCaller } from '../access/caller.js';
import { queueSubmissionEvent, touchSubmission } from '../state/transitions.js';
import type { UnitOfWork } from '../state/unit-of-work.js';
import { newestRevision } from './find.js';

/** Adds a comment to the newest revision. All parties that the submission concerns can read it. */
export async function addComment(
  unit: UnitOfWork,
  caller: PersonCaller,
  submission: string,
  text: string
): Promise<Comment> {
  const revision = await newestRevision(unit.trx, submission);
  const { party, person } = caller;
  const id = newId(unit.at.getTime());
  await unit.trx
    .insertInto('comment')
    .values({ id, submission, revision: revision.number, party, person, text, created_at: unit.at })
    .execute();
  await touchSubmission(unit, submission);
  await queueSubmissionEvent(unit, submission, {
    topic: 'submission',
    submission,
    revision: revision.number,
    state: revision.state,
    comment: id
  });
  return { id, revision: revision.number, by: { party, person }, text, at: unit.at.toISOString() };
}
