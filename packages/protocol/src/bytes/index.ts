export {
  type Digest,
  type HasherFactory,
  asDigest,
  digestFromHash,
  digestOf,
  hashFromDigest,
  isDigest,
  labelledHash
} from './digest.js';
export {
  concat,
  equalBytes,
  fromBase64,
  fromBase64Url,
  fromUtf8,
  toBase64,
  toBase64Url,
  utf8
} from './encoding.js';
