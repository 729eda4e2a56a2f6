import { Page, PageHead } from '../../kit/page.tsx';

export function RunsScreen() {
  return (
    <Page>
      <PageHead title="Runs" />
    </Page>
  );
}
