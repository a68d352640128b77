export { type AttemptKeyPair, generateAttemptKey } from './attempt-key.js';
export { openFileKey, sealFileKey } from './file-key.js';
export {
  KEY_REQUEST_TOKEN_SECONDS,
  KeyReleaseAnswer,
  KeyRequest,
  KeyRequestMessage,
  KeyRequestToken,
  Mailbox,
  MailboxReply,
  keyRequestAudience,
  keyRequestNonce
} from './key-release.js';
export { KeyReleaseReady, READY_SECONDS, verifyReady } from './ready.js';
