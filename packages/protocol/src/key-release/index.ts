export { type AttemptKeyPair, generateAttemptKey, openFileKey, sealFileKey } from './file-key.js';
export {
  KEY_REQUEST_TOKEN_SECONDS,
  KeyReleaseAnswer,
  KeyRequest,
  KeyRequestMessage,
  MailboxReply,
  keyRequestAudience,
  keyRequestNonce
} from './key-release.js';
