import { invalid } from '../http/api-error.js';

const LABEL_KEY = /^[\p{Ll}\p{Lo}][\p{Ll}\p{Lo}\p{N}_-]{0,62}$/u;
const LABEL_VALUE = /^[\p{Ll}\p{Lo}\p{N}_-]{0,63}$/u;

/** Checks the form of labels (cloud.google.com/compute/docs/labeling-resources#requirements). */
export function checkLabels(labels: Readonly<Record<string, string>>): void {
  if (Object.keys(labels).length > 64) throw invalid('resource.labels', '', 'At most 64 labels are allowed.');
  for (const [key, value] of Object.entries(labels)) {
    if (!LABEL_KEY.test(key)) {
      throw invalid('resource.labels', '', `Label key '${key}' violates format constraints.`);
    }
    if (!LABEL_VALUE.test(value)) {
      throw invalid('resource.labels', '', `Label value '${value}' violates format constraints.`);
    }
  }
}

/** Checks the limits of metadata (cloud.google.com/compute/docs/metadata/setting-custom-metadata#limitations). */
export function checkMetadata(items: readonly { readonly key?: string; readonly value?: string }[]): void {
  let total = 0;
  const keys = new Set<string>();
  for (const { key = '', value = '' } of items) {
    if (!/^[a-zA-Z0-9_-]{1,128}$/.test(key)) {
      throw invalid('resource.metadata.items.key', key, 'Must be a match of regex [a-zA-Z0-9-_]{1,128}');
    }
    if (keys.has(key)) throw invalid('resource.metadata.items.key', key, 'Metadata has duplicate key.');
    keys.add(key);
    if (Buffer.byteLength(value) > 256 * 1024) {
      throw invalid(
        `resource.metadata.items.value`,
        key,
        'Value is too large: maximum size 262144 character(s).'
      );
    }
    total += Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  if (total > 512 * 1024) throw invalid('resource.metadata', '', 'Total metadata size exceeds 512 KB.');
}
