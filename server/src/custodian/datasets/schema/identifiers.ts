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

/** Splits a column name into words: `patientId`, `patient_id` and `PATIENT ID` become patient and id. */
function wordsOf(name: string): string[] {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/);
}

/**
 * Returns the reason why a column probably identifies persons, or undefined when it probably does not. This is a proposal; the
 * steward decides.
 */
export function identifierReason(profile: ColumnProfile): string | undefined {
  const word = wordsOf(profile.name).find(candidate => WORDS.has(candidate));
  if (word !== undefined) return `its name contains "${word}"`;
  const values = profile.rows - profile.nulls;
  if (profile.type === 'text' && values >= FEW_ROWS && profile.uniqueness >= HIGH_UNIQUENESS) {
    return 'nearly every row has a different text';
  }
  return undefined;
}
