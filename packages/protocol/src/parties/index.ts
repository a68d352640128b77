export { Collaboration, openCollaboration, rootKeyOf } from './collaboration.js';
export { Custodian, Hosting, Passkey, Person, Role, Roster } from './roster.js';
export {
  STEWARD_REQUEST_SECONDS,
  type SignedParts,
  StewardRequest,
  authorizeStewardRequest,
  verifyStewardRequest
} from './steward-request.js';
