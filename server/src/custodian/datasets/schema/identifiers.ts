import type { ColumnProfile } from './profile.js';

const WORDS = new Set([
  'id',
  'ids',
  'uuid',
  'guid',
  'key',
  'mrn',
  'ssn',
  'nhs',
  'insurance',
  'passport',
  'licence',
  'license',
  'name',
  'names',
  'firstname',
  'lastname',
  'surname',
  'forename',
  'fullname',
  'username',
  'login',
  'email',
  'mail',
  'phone',
  'telephone',
  'mobile',
  'fax',
  'address',
  'street',
  'postcode',
  'zip',
  'zipcode',
  'iban',
  'account',
  'card',
  'ip',
  'mac',
  'url',
  'birthdate',
  'birthday',
  'dob',
  'patient',
  'person',
  'customer',
  'member'
]);
const HIGH_UNIQUENESS = 0.9;
const FEW_ROWS = 20;

/** `patientId`, `patient_id` and `PATIENT ID` are the words patient and id. */
function wordsOf(name: string): string[] {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/);
}

/** Why a column probably names persons; nothing when it probably does not. A proposal: the steward decides. */
export function identifierReason(profile: ColumnProfile): string | undefined {
  const word = wordsOf(profile.name).find(candidate => WORDS.has(candidate));
  if (word !== undefined) return `its name says "${word}"`;
  const values = profile.rows - profile.nulls;
  if (profile.type === 'text' && values >= FEW_ROWS && profile.uniqueness >= HIGH_UNIQUENESS) {
    return 'nearly every row has a text of its own';
  }
  return undefined;
}
