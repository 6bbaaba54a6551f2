"""Who may do what with which resources: principals, scopes, role rules, and the policy they make."""
