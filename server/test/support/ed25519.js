/** Tests use the same Ed25519 as the `clean-room` command. */
import { nodeEd25519 } from '@clean-room/node-support';
import { useEd25519 } from '@clean-room/protocol/documents';

useEd25519(nodeEd25519);
