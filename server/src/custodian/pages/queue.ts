import { routes, type SubmissionSummary } from '@clean-room/api/coordinator';
import type { App } from '../../platform/http/app.js';
import type { CustodianContext } from '../context.js';
import { sendPage, seeOther } from './answer.js';
import { cookieOf } from './guard.js';
import { findSession } from '../sign-in/sessions.js';
import { html, type Html } from './html.js';

function row({ id, party, revision }: SubmissionSummary): Html {
  return html`<tr>
    <td><a href="/approve/${id}">${revision.notebook}</a></td>
    <td>${party}</td>
    <td>${revision.assets.join(', ')}</td>
    <td>${revision.purpose}</td>
    <td>${revision.submittedAt.slice(0, 16).replace('T', ' ')} UTC</td>
  </tr>`;
}

async function queueView(context: CustodianContext): Promise<Html> {
  const { items } = await context.coordinator.call(routes.listSubmissions, {
    query: { waitingFor: 'my-decision' }
  });
  const assets = await context.registry.list();
  return html`<h1>Waiting for you</h1>
    ${
      items.length === 0
        ? html`<p>Nothing waits for your decision.</p>`
        : html`<table>
            <tr>
              <th>Notebook</th>
              <th>From</th>
              <th>Asks for</th>
              <th>Purpose</th>
              <th>Since</th>
            </tr>
            ${items.map(row)}
          </table>`
    }
    <h2>Your datasets</h2>
    ${
      assets.length === 0
        ? html`<p>None yet. A steward adds one with <code>clean-room provision</code>.</p>`
        : html`<table>
            <tr>
              <th>Dataset</th>
              <th>Columns</th>
              <th>Sealed for</th>
              <th>Stand-in</th>
              <th>Policy until</th>
            </tr>
            ${assets.map(
              ({ version: { value }, policy }) =>
                html`<tr>
                  <td>${value.name} v${value.version}</td>
                  <td>${value.table.columns.length}</td>
                  <td>
                    ${value.sealedFor === 'simulation' ? html`<span class="mark">SIMULATION</span>` : 'hardware'}
                  </td>
                  <td>${value.standIn.kind}, ${value.standIn.rows} rows</td>
                  <td>${policy.value.validUntil.slice(0, 10)}</td>
                </tr>`
            )}
          </table>`
    }`;
}

/** The first page: what waits for the person's decision. */
export function addQueuePage(app: App, context: CustodianContext): void {
  app.get('/', { schema: { hide: true } }, async (request, reply) => {
    const session = await findSession(context, cookieOf(request));
    if (session === undefined) return seeOther(reply, '/sign-in');
    return sendPage(context, reply, { title: 'Waiting for you', body: await queueView(context), session });
  });
}
