import { toBase64 } from '@clean-room/protocol/bytes';
import type { ReadDocument, SigningKey } from '@clean-room/protocol/documents';
import type { RevisionFile } from '@clean-room/protocol/packaging';
import { SubmissionRequest, type Spec } from '@clean-room/protocol/submissions';
import type { Client } from '@clean-room/api';
import { routes } from '@clean-room/api/coordinator';
import type { ComposedSubmission } from './compose.js';

const WHOLE_BYTES = 4 * 1024 * 1024;

async function bytesOf(file: RevisionFile): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of file.content()) chunks.push(chunk);
  return new Uint8Array(Buffer.concat(chunks));
}

async function put(client: Client, file: RevisionFile): Promise<void> {
  // A small file is sent whole, so that a broken connection can be tried again.
  const body = file.bytes <= WHOLE_BYTES ? await bytesOf(file) : streamOf(file);
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

export interface Sent {
  readonly id: string;
  readonly revision: number;
}

/**
 * Puts the files, signs "run this image, which holds this spec", and submits.
 * @param before the submission this is the next revision of
 */
export async function sendSubmission(
  client: Client,
  { spec, revision }: ComposedSubmission,
  files: readonly RevisionFile[],
  key: SigningKey,
  before?: string
): Promise<Sent> {
  for (const file of files) await put(client, file);
  const body = { spec: toBase64(spec.bytes), request: signRequest(spec, revision.imageDigest, key) };
  return before === undefined
    ? client.call(routes.createSubmission, { body })
    : client.call(routes.createRevision, { params: { id: before }, body });
}

function signRequest(
  spec: ReadDocument<Spec>,
  image: ComposedSubmission['revision']['imageDigest'],
  key: SigningKey
) {
  return SubmissionRequest.sign(
    { format: 'clean-room.submission-request/v1', spec: spec.digest, image, submitter: key.publicKey },
    key
  );
}
