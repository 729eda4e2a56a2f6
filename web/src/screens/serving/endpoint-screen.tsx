import { Page, PageHead } from '../../kit/page.tsx';

export function EndpointScreen() {
  return (
    <Page>
      <PageHead title="Deployment" />
    </Page>
  );
}
