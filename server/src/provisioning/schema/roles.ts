import type { Column } from '@clean-room/protocol/assets';
import type { ColumnFacts } from '../engine/messages.js';

type Role = NonNullable<Column['role']>;

const IDENTIFIERS = new Set(
  'id ids uuid guid key mrn ssn nhs insurance passport licence license name names firstname lastname surname forename fullname username login email mail phone telephone mobile fax address street iban account card ip mac url patient person customer member subject'.split(
    ' '
  )
);
const QUASI_IDENTIFIERS = new Set(
  'age birth birthdate birthday birthyear dob born sex gender postcode postal zip zipcode plz city town village county district region country nationality ethnicity race occupation profession job employer education marital civil language religion admission admitted discharge death height weight'.split(
    ' '
  )
);
const SENSITIVE = new Set(
  'diagnosis diagnoses icd disease illness condition hiv cancer pregnancy medication drug drugs dose therapy treatment income salary wage debt credit score mental depression disability crime conviction genotype gene chronic smoker alcohol'.split(
    ' '
  )
);
const HIGH_UNIQUENESS = 0.9;
const FEW_ROWS = 20;

/** Splits a column name into words: `patientId`, `patient_id` and `PATIENT ID` become patient and id. */
function wordsOf(name: string): string[] {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/);
}

/** A suggested role of a column with the reason. The provider decides. */
export interface RoleSuggestion {
  readonly role: Role;
  readonly reason: string;
}

/** Suggests what the values of a column could reveal, from its name and from how different its values are. */
export function suggestRole({ name, reader, different, kind }: ColumnFacts): RoleSuggestion | undefined {
  const words = wordsOf(name);
  const identifying = words.find(word => IDENTIFIERS.has(word));
  if (identifying !== undefined) return { role: 'identifier', reason: `its name contains "${identifying}"` };
  if (kind === 'e-mail' || kind === 'phone')
    return {
      role: 'identifier',
      reason: kind === 'e-mail' ? 'its values are e-mail addresses' : 'its values look like phone numbers'
    };
  const unique = different.values >= FEW_ROWS && different.different >= different.values * HIGH_UNIQUENESS;
  if (unique && (reader.type === 'text' || reader.type === 'uuid'))
    return { role: 'identifier', reason: 'nearly every row has a different value' };
  const quasi = words.find(word => QUASI_IDENTIFIERS.has(word));
  if (quasi !== undefined)
    return {
      role: 'quasi-identifier',
      reason: `its name contains "${quasi}", which identifies a person together with other columns`
    };
  if (kind === 'postcode')
    return {
      role: 'quasi-identifier',
      reason: 'its values look like postcodes, which identify a person together with other columns'
    };
  const sensitive = words.find(word => SENSITIVE.has(word));
  if (sensitive !== undefined) return { role: 'sensitive', reason: `its name contains "${sensitive}"` };
  return undefined;
}
