import { Page, PageHead } from '../../kit/page.tsx';

export function EndpointsScreen() {
  return (
    <Page>
      <PageHead title="Deployment" />
    </Page>
  );
}
