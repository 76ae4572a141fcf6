require ["fileinto"];
if header :contains "X-Spam-Flag" "YES" {
    fileinto "Junk";
    stop;
}
if header :contains "X-Lab-Discard" "yes" {
    discard;
    stop;
}
