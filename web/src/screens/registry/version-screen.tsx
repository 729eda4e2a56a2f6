import { Page, PageHead } from '../../kit/page.tsx';

export function VersionScreen() {
  return (
    <Page>
      <PageHead title="Version" />
    </Page>
  );
}
