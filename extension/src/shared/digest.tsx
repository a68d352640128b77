import { Clipboard } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { copyIcon } from '@jupyterlab/ui-components';
import * as React from 'react';
import { shortDigest } from './format.js';

/** Shows a shortened digest with a button that copies the whole digest. */
export function DigestView({
  digest,
  trans
}: {
  digest: string;
  trans: TranslationBundle;
}): React.JSX.Element {
  const [copied, setCopied] = React.useState(false);
  const label = copied ? trans.__('Copied') : trans.__('Copy %1', digest);
  return (
    <span className="crm-Digest">
      <code title={digest}>{shortDigest(digest)}</code>
      <button
        type="button"
        className="crm-IconButton"
        title={label}
        aria-label={label}
        onClick={() => {
          Clipboard.copyToSystem(digest);
          setCopied(true);
        }}
      >
        <copyIcon.react tag="span" width="14px" />
      </button>
      {copied && <span role="status">{trans.__('Copied')}</span>}
    </span>
  );
}
