export {
  Checkpoint,
  EMPTY_TREE_HEAD,
  LogEntry,
  TreeHead,
  LogProof,
  treeHead,
  verifyLogProof
} from './log.js';
export {
  consistencyProof,
  inclusionProof,
  leafHash,
  nodeHash,
  treeHash,
  verifyConsistency
} from './merkle.js';
