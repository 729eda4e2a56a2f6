import { Page, PageHead } from '../../kit/page.tsx';

export function MonitoringScreen() {
  return (
    <Page>
      <PageHead title="Monitoring" />
    </Page>
  );
}
