import { Clipboard } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { copyIcon } from '@jupyterlab/ui-components';
import * as React from 'react';
import { shortDigest } from './size.js';

/** A shortened digest with a button that copies all of it. */
export function DigestView({ digest, trans }: { digest: string; trans: TranslationBundle }): JSX.Element {
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
