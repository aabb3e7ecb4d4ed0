from kubelet.network.firewall import Rule, rules, saved_rules

SAVED = """\
-P FORWARD DROP
-N DOCKER-USER
-A DOCKER-USER -d 10.244.0.0/16 -m comment --comment "podling:c1" -j ACCEPT
-A DOCKER-USER -s 10.245.0.0/16 -m comment --comment "podling:c10" -j ACCEPT
-A DOCKER-USER -j RETURN
"""


def test_pods_are_forwarded_and_masqueraded_only_on_their_way_out() -> None:
    accept_from, accept_to, masquerade = rules("c1", "10.244.0.0/16", "DOCKER-USER")
    assert accept_from.match[:2] == ("-s", "10.244.0.0/16") and accept_to.match[:2] == ("-d", "10.244.0.0/16")
    assert masquerade.match[:5] == ("-s", "10.244.0.0/16", "!", "-d", "10.244.0.0/16")
    assert all("podling:c1" in rule.match for rule in (accept_from, accept_to, masquerade))


def test_a_clusters_rules_are_found_by_their_whole_comment() -> None:
    match = ("-d", "10.244.0.0/16", "-m", "comment", "--comment", "podling:c1", "-j", "ACCEPT")
    assert saved_rules("filter", SAVED, "c1") == [Rule("filter", "DOCKER-USER", match)]
    assert saved_rules("filter", SAVED, "c2") == []
