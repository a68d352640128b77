import { toBase64, type Digest } from '@clean-room/protocol/bytes';
import type { ReadDocument, SigningKey } from '@clean-room/protocol/documents';
import type { RevisionFile } from '@clean-room/protocol/packaging';
import { SubmissionRequest, type Spec } from '@clean-room/protocol/submissions';
import type { Client } from '@clean-room/api';
import { routes } from '@clean-room/api/coordinator';
import type { ComposedSubmission } from './compose.js';
import { readContent } from './files.js';

const MAX_BUFFERED_BYTES = 4 * 1024 * 1024;

async function upload(client: Client, file: RevisionFile): Promise<void> {
  // The client can retry an upload from memory after a broken connection, but not a stream.
  const body = file.bytes <= MAX_BUFFERED_BYTES ? await readContent(file) : streamOf(file);
  await client.upload(routes.putObject, { params: { digest: file.digest } }, body);
}

function streamOf(file: RevisionFile): ReadableStream<Uint8Array> {
  const content = (async function* () {
    yield* file.content();
  })();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { value, done } = await content.next();
      if (done === true) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await content.return(undefined);
    }
  });
}

/** A revision that the coordinator accepted. */
export interface SentRevision {
  /** The id of the submission. */
  readonly id: string;
  readonly revision: number;
}

/**
 * Uploads the files, signs the request to run the image with this spec, and submits it.
 *
 * @param key - the submitter's key
 * @param before - the submission to which the revision is added; without it, a new submission is created
 */
export async function sendSubmission(
  client: Client,
  { spec, image }: ComposedSubmission,
  files: readonly RevisionFile[],
  key: SigningKey,
  before?: string
): Promise<SentRevision> {
  for (const file of files) await upload(client, file);
  const body = { spec: toBase64(spec.bytes), request: signRequest(spec, image.imageDigest, key) };
  return before === undefined
    ? client.call(routes.createSubmission, { body })
    : client.call(routes.createRevision, { params: { id: before }, body });
}

function signRequest(spec: ReadDocument<Spec>, image: Digest, key: SigningKey) {
  return SubmissionRequest.sign(
    { format: 'clean-room.submission-request/v1', spec: spec.digest, image, submitter: key.publicKey },
    key
  );
}
