import { Type, type Static } from 'typebox';
import { defineDocument, type ReadDocument } from '../documents/document.js';
import type { Envelope } from '../documents/dsse.js';
import { Closed, DigestField } from '../documents/fields.js';
import { PublicKey } from '../documents/keys.js';
import { CleanRoomError } from '../errors/index.js';
import type { Spec } from './spec.js';

/** A researcher's request to run an image that contains a spec. Signed by the submitter's key. */
export const SubmissionRequest = defineDocument(
  'submission-request',
  1,
  Closed({
    format: Type.Literal('clean-room.submission-request/v1'),
    spec: DigestField,
    image: DigestField,
    submitter: PublicKey
  })
);
export type SubmissionRequest = Static<typeof SubmissionRequest.schema>;

/**
 * Opens a request and checks that it is for this spec and image, and signed by the submitter that the spec names.
 *
 * @param image - the digest of the image
 * @throws CleanRoomError `signature-invalid`, `malformed`
 * @throws CleanRoomError `digest-mismatch` when it is for another spec or image
 */
export function openSubmissionRequest(
  envelope: Envelope,
  spec: ReadDocument<Spec>,
  image: string
): ReadDocument<SubmissionRequest> {
  const request = SubmissionRequest.open(envelope, spec.value.submitter);
  const { value } = request;
  if (value.spec !== spec.digest || value.image !== image || value.submitter !== spec.value.submitter) {
    throw new CleanRoomError('digest-mismatch', 'The signed request is for another spec or another image.');
  }
  return request;
}
