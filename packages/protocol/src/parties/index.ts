export { Collaboration, openCollaboration, rootKeyOf } from './collaboration.js';
export { Custodian, Hosting, Passkey, Person, Role, Roster } from './roster.js';
