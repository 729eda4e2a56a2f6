import { Page, PageHead } from '../../kit/page.tsx';

export function AuditScreen() {
  return (
    <Page>
      <PageHead title="Audit" />
    </Page>
  );
}
