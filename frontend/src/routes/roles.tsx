import { Plus } from "lucide-react";
import { useState } from "react";
import { useNavigate } from "react-router";
import { useMay } from "@/components/may";
import { Page } from "@/components/page";
import { NewRole } from "@/features/people/new-role";
import { PeopleTabs } from "@/features/people/people-tabs";
import { RoleList } from "@/features/people/role-list";
import { roles as rolesWords } from "@/strings/people";
import { Button } from "@/ui/button";

export default function Roles() {
  const [adding, setAdding] = useState(false);
  const go = useNavigate();
  const mayAdd = useMay()("role.create");
  return (
    <Page
      title={rolesWords.title}
      aside={<PeopleTabs />}
      actions={
        mayAdd && (
          <Button look="primary" icon={Plus} onClick={() => setAdding(true)}>
            {rolesWords.add}
          </Button>
        )
      }
    >
      <RoleList />
      {adding && <NewRole onClose={() => setAdding(false)} onMade={(role) => go(`/roles/${role.id}`)} />}
    </Page>
  );
}
